#include "load/report.h"

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
    fprintf(file, "\n  %-10s%10s%10s%10s%10s%10s%10s%10s\n", "us", "50 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "max");
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
    }
}

static void remarks(const struct report *report, FILE *file)
{
    const struct results *r = report->total;
    if (r->http_errors)
        fprintf(file, "  http errors %10llu  responses with a status of 400 or more\n", (unsigned long long)r->http_errors);
    if (r->surplus)
        fprintf(file, "  surplus     %10llu  responses with bytes behind them: connection discarded\n", (unsigned long long)r->surplus);
    if (report_wrong_caller(report))
        fprintf(file, "  WRONG       %10llu  responses that were somebody else's\n", (unsigned long long)report_wrong_caller(report));
    if (r->unserved)
        fprintf(file, "  unserved    %10llu  arrivals were due and found no free user to the end\n", (unsigned long long)r->unserved);
    if (r->started - r->ok - r->failed)
        fprintf(file, "  unfinished  %10llu  requests were cut off\n", (unsigned long long)(r->started - r->ok - r->failed));
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
    fprintf(file, "  connections %10llu  %.3g for 1,000 requests; reuse rate %.2f %%\n", (unsigned long long)r->opened,
            report_connections_per_1000(report), 100 * report_reuse_rate(report));
    errors(r, file);
    remarks(report, file);
    latencies(report, file);
    fprintf(file, "\n  CPU %.2f us a request; the loop was at most %.1f ms late\n", report_cpu_us_per_request(report),
            (double)r->lag_max_ns / 1e6);
}
