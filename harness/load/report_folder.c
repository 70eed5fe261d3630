#include "load/report.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sys/stat.h>

#define TICKS_PER_HALF 5 /* HdrHistogram's own default */

/* HdrHistogram's text format of percentiles, to the byte. */
static void write_hgrm(const struct histogram *h, FILE *file)
{
    uint64_t total = histogram_count(h);
    struct histogram_walk walk = histogram_walk(h, TICKS_PER_HALF);

    fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    while (histogram_walk_next(&walk)) {
        fprintf(file, "%12.3f %2.12f %10llu", (double)walk.value, walk.percentile / 100, (unsigned long long)walk.count);
        if (walk.percentile < 100)
            fprintf(file, " %14.2f", 1 / (1 - walk.percentile / 100));
        fputc('\n', file);
    }
    fprintf(file, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", histogram_mean(h), sqrt(histogram_variance(h)));
    fprintf(file, "#[Max     = %12.3f, Total count    = %12llu]\n", total ? (double)histogram_top_of(h, h->max) : 0,
            (unsigned long long)total);
    fprintf(file, "#[Buckets = %12u, SubBuckets     = %12u]\n", h->buckets, 2u << h->half_bits);
}

static void write_series(const struct report *report, FILE *file)
{
    const struct results *r = report->total;
    uint64_t last = report->elapsed_ns / 1000000000u;
    fputs("second,requests,ok,failed,reused,opened,p50_us,p99_us\n", file);
    for (unsigned i = 0; i < RESULTS_SECONDS && (i <= last); i++) {
        const struct results_second *s = &r->seconds[i];
        fprintf(file, "%u,%llu,%llu,%llu,%llu,%llu,", i, (unsigned long long)s->requests, (unsigned long long)s->ok,
                (unsigned long long)s->failed, (unsigned long long)s->reused, (unsigned long long)s->opened);
        if (s->ok)
            fprintf(file, "%llu,%llu\n", (unsigned long long)histogram_percentile(results_second_latency(r, i), 50),
                    (unsigned long long)histogram_percentile(results_second_latency(r, i), 99));
        else
            fputs(",\n", file);
    }
}

static FILE *open_in(const struct report *report, const char *name, char *path)
{
    snprintf(path, PATH_MAX, "%s/%s", report->options->out, name);
    return fopen(path, "w");
}

/* A full disk shows at the latest when the file is closed. */
static int close_checked(FILE *file)
{
    int err = ferror(file) ? EIO : 0;
    if (fclose(file) != 0)
        err = errno;
    return err;
}

static int write_json(const struct report *report, char *path)
{
    FILE *file = open_in(report, "run.json", path);
    if (!file)
        return errno;
    int err = report_json(report, file), close_err = close_checked(file);
    return close_err ? close_err : err;
}

static int write_histogram(const struct report *report, const char *name, const struct histogram *h, char *path)
{
    FILE *file = open_in(report, name, path);
    if (!file)
        return errno;
    write_hgrm(h, file);
    return close_checked(file);
}

static int write_series_file(const struct report *report, char *path)
{
    FILE *file = open_in(report, "series.csv", path);
    if (!file)
        return errno;
    write_series(report, file);
    return close_checked(file);
}

int report_folder(const struct report *report, char *path)
{
    const struct results *r = report->total;
    int err;
    snprintf(path, PATH_MAX, "%s", report->options->out);
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return errno;
    if ((err = write_json(report, path)) || (err = write_histogram(report, "all.hgrm", report->all, path)) ||
        (err = write_histogram(report, "first_use.hgrm", r->first_use, path)) ||
        (err = write_histogram(report, "reuse.hgrm", r->reuse, path)) ||
        (err = write_histogram(report, "connect.hgrm", r->connect, path)))
        return err;
    return write_series_file(report, path);
}
