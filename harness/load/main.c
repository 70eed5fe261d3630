#include "load/report.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { EXIT_FIGURES = 0, EXIT_USAGE = 2, EXIT_UNKNOWN = 3, EXIT_INTERRUPTED = 130 };

#define DESCRIPTORS_SPARE 32 /* the loop's, the timer's, the standard ones */

/* A user needs a descriptor, and an idle connection keeps one. Better said now than as EMFILE on every request. */
static bool enough_descriptors(const struct load_options *o)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    rlim_t needed = (o->users + o->workers - 1) / o->workers + DESCRIPTORS_SPARE;
    if (needed <= limit.rlim_cur)
        return true;
    fprintf(stderr, "load: -c %u with -t %u needs %llu descriptors in each worker, and the limit is %llu: take more workers\n",
            o->users, o->workers, (unsigned long long)needed, (unsigned long long)limit.rlim_cur);
    return false;
}

static bool complain(const char *path, int err)
{
    if (err)
        fprintf(stderr, "load: %s could not be written: %s\n", path, strerror(err));
    return !err;
}

static bool write_file(const struct report *report, const char *path, int (*write_to)(const struct report *, FILE *))
{
    bool is_stdout = strcmp(path, "-") == 0;
    errno = 0;
    FILE *file = is_stdout ? stdout : fopen(path, "w");
    if (!file)
        return complain(path, errno);
    int err = write_to(report, file);
    if ((is_stdout ? fflush(file) : fclose(file)) != 0)
        err = errno;
    return complain(is_stdout ? "standard output" : path, err);
}

static bool write_all(const struct report *report)
{
    const struct load_options *o = report->options;
    char path[PATH_MAX];
    bool written = true;
    if (o->out)
        written = complain(path, report_folder(report, path));
    if (o->trace)
        written = write_file(report, o->trace, report_trace) && written;
    if (o->json)
        written = write_file(report, o->json, report_json) && written;
    if (!o->json || strcmp(o->json, "-") != 0)
        report_summary(report, stdout);
    return written && fflush(stdout) == 0;
}

/* Whether a worker was lost. */
static bool tell_what_went_wrong(const struct report *report)
{
    const struct results *r = report->total;
    const struct results_error *most = &r->errors[0];
    bool lost = false;
    for (unsigned i = 0; i < report->options->workers; i++)
        if (report->crew->lost[i]) {
            lost = true;
            fprintf(stderr, "load: worker %u was lost (%s); what it had measured is counted\n", i, report->crew->why_lost[i]);
        }
    for (unsigned i = 1; i < r->error_count; i++)
        if (r->errors[i].count > most->count)
            most = &r->errors[i];
    if (r->ok == 0 && r->failed)
        fprintf(stderr, "load: not one of %llu requests to %s succeeded: most failed in %s, %s\n", (unsigned long long)r->started,
                report->options->url_text, client_phase_text(most->phase), client_error_text(most->err));
    else if (r->ok == 0)
        fprintf(stderr, "load: not one request to %s ended\n", report->options->url_text);
    return lost;
}

static int run(const struct load_options *options)
{
    static struct crew crew;
    struct report report = {0};
    bool written = false, lost = true;

    int err = crew_run(&crew, options, !options->quiet && isatty(STDERR_FILENO));
    if (err) {
        fprintf(stderr, "load: the workers could not be started: %s\n", strerror(err));
    } else if ((err = report_init(&report, options, &crew)) != 0) {
        fprintf(stderr, "load: no memory for the report: %s\n", strerror(err));
    } else {
        written = write_all(&report);
        lost = tell_what_went_wrong(&report);
    }
    report_free(&report);
    crew_free(&crew);
    return crew.interrupted ? EXIT_INTERRUPTED : written && !lost ? EXIT_FIGURES : EXIT_UNKNOWN;
}

int main(int argc, char **argv)
{
    struct load_options options;
    char error[OPTIONS_ERROR_BYTES];
    switch (options_parse(&options, argc, argv, error)) {
    case OPTIONS_HELP:
        options_help();
        return EXIT_FIGURES;
    case OPTIONS_BAD:
        fprintf(stderr, "load: %s\n", error);
        return EXIT_USAGE;
    default:
        return enough_descriptors(&options) ? run(&options) : EXIT_USAGE;
    }
}
