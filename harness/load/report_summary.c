#include "load/report.h"

#include <errno.h>

static void latency_row(FILE *file, const char *name, const struct histogram *h)
{
    static const double percentiles[] = {50, 90, 99, 99.9, 99.99, 99.999};
    if (histogram_count(h) == 0)
        return;
    fprintf(file, "  %-10s", name);
    for (size_t i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++)
        fprintf(file, "%10llu", (unsigned long long)histogram_percentile(h, percentiles[i]));
    fprintf(file, "%10llu\n", (unsigned long long)h->max);
}

static void latencies(const struct report *report, FILE *file)
{
    const struct results *r = report->total;
    if (r->ok == 0)
        return;
    fprintf(file, "\n  us              50 %%      90 %%      99 %%    99.9 %%   99.99 %%  99.999 %%       max\n");
    latency_row(file, "all", report->all);
    latency_row(file, "first use", r->first_use);
    latency_row(file, "reuse", r->reuse);
    latency_row(file, "connect", r->connect);
    latency_row(file, "response", r->response);
}

static void errors(const struct results *r, FILE *file)
{
    for (unsigned i = 0; i < r->error_count; i++) {
        const struct results_error *e = &r->errors[i];
        const char *on = e->phase == CLIENT_CONNECT ? "" : e->first_use ? " on a new connection" : " on a reused connection";
        fprintf(file, "  failed      %10llu  %s%s: %s\n", (unsigned long long)e->count, client_phase_text(e->phase), on,
                client_error_text(e->err));
        if (e->err == EADDRNOTAVAIL)
            fprintf(file, "                          no local port was left: each connection that this side closed first keeps one for a minute\n");
    }
}

static void remark(FILE *file, const char *name, uint64_t count, const char *text)
{
    if (count)
        fprintf(file, "  %-12s%10llu  %s\n", name, (unsigned long long)count, text);
}

static void remarks(const struct report *report, FILE *file)
{
    const struct results *r = report->total;
    remark(file, "http errors", r->http_errors, "responses with a status of 400 or more");
    remark(file, "surplus", r->surplus, "responses with bytes behind them: connection discarded");
    remark(file, "WRONG", report_wrong_caller(report), "responses that were somebody else's");
    remark(file, "unserved", r->unserved, "arrivals were due and found no free user to the end");
    remark(file, "unfinished", r->started - r->ok - r->failed, "requests were cut off");
}

void report_summary(const struct report *report, FILE *file)
{
    const struct load_options *o = report->options;
    const struct results *r = report->total;

    fprintf(file, "%s: %u user%s, %u worker%s, ", o->url_text, o->users, o->users == 1 ? "" : "s", o->workers,
            o->workers == 1 ? "" : "s");
    if (o->rate > 0)
        fprintf(file, "%g requests a second, ", o->rate);
    fprintf(file, "%.1f s%s\n\n", (double)report->elapsed_ns / 1e9, report->crew->interrupted ? ", interrupted" : "");
    fprintf(file, "  requests    %10llu  %.0f answered a second, %llu failed\n", (unsigned long long)r->started,
            report_throughput(report), (unsigned long long)r->failed);
    fprintf(file, "  connections %10llu  %.4g for 1,000 requests; reuse rate %.2f %%\n", (unsigned long long)r->opened,
            report_connections_per_1000(report), 100 * report_reuse_rate(report));
    errors(r, file);
    remarks(report, file);
    latencies(report, file);
    fprintf(file, "\n  CPU %.2f us a request; the loop was at most %.1f ms late\n", report_cpu_us_per_request(report),
            (double)r->lag_max_ns / 1e6);
}
