#include "load/report.h"

#include <errno.h>
#include <stdlib.h>

int report_init(struct report *report, const struct load_options *options, const struct crew *crew)
{
    *report = (struct report){.options = options, .crew = crew, .total = results_new(),
                              .all = calloc(1, histogram_bytes(RESULTS_DIGITS))};
    struct results *total = report->total;
    if (!total || !report->all)
        return ENOMEM;
    for (unsigned i = 0; i < options->workers; i++)
        results_merge(total, crew->results[i]);
    histogram_init(report->all, RESULTS_DIGITS);
    histogram_merge(report->all, total->first_use);
    histogram_merge(report->all, total->reuse);
    /* Of a run whose every worker died nothing but the parent's own clock is left. */
    uint64_t end_ns = total->ended_ns ? total->ended_ns : crew->end_ns;
    report->elapsed_ns = end_ns > crew->start_ns ? end_ns - crew->start_ns : 0;
    return 0;
}

void report_free(struct report *report)
{
    results_free(report->total);
    free(report->all);
}

/* A body without the echo's form counts as somebody else's as soon as this server is known to echo. */
bool report_token_checked(const struct report *report)
{
    return report->total->echoed_right + report->total->echoed_wrong > 0;
}

uint64_t report_wrong_caller(const struct report *report)
{
    return report_token_checked(report) ? report->total->echoed_wrong + report->total->not_echoed : 0;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

double report_reuse_rate(const struct report *report)
{
    return ratio((double)report->total->reused, (double)report->total->started);
}

double report_connections_per_1000(const struct report *report)
{
    return ratio(1000.0 * (double)report->total->opened, (double)report->total->started);
}

double report_throughput(const struct report *report)
{
    return ratio(1e9 * (double)report->total->ok, (double)report->elapsed_ns);
}

double report_cpu_us_per_request(const struct report *report)
{
    return ratio((double)(report->total->user_us + report->total->sys_us), (double)report->total->started);
}
