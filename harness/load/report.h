/* report.h - a run's figures, from what its workers left: run.json, HdrHistogram files, a time series, a trace, a summary. */
#ifndef REPORT_H
#define REPORT_H

#include "load/crew.h"

#include <stdio.h>

/* Everything that is said of a run is computed from these. */
struct report {
    const struct load_options *options;
    const struct crew *crew;
    struct results *total;      /* over the workers */
    struct histogram *all;      /* first use and reuse together */
    uint64_t elapsed_ns;
};

/* Returns 0, or an errno value. report_free in any case. */
int report_init(struct report *report, const struct load_options *options, const struct crew *crew);
void report_free(struct report *report);

/* run.json, schema "load/1". Returns 0, or an errno value. */
int report_json(const struct report *report, FILE *file);

/* run.json, all.hgrm, first_use.hgrm, reuse.hgrm, connect.hgrm and series.csv in options->out, which is made where it is
 * missing. Returns 0, or an errno value and the path that it is about (PATH_MAX bytes). */
int report_folder(const struct report *report, char *path);

/* The first RESULTS_SAMPLES requests, one JSON object a line. */
int report_trace(const struct report *report, FILE *file);

/* For a person. */
void report_summary(const struct report *report, FILE *file);

/* Figures that more than one of them says. */
uint64_t report_wrong_caller(const struct report *report);
bool report_token_checked(const struct report *report);
double report_reuse_rate(const struct report *report);
double report_connections_per_1000(const struct report *report);
double report_throughput(const struct report *report);
double report_cpu_us_per_request(const struct report *report);

#endif
