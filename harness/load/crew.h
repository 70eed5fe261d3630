/* crew.h - the worker processes: started, watched, waited for. */
#ifndef CREW_H
#define CREW_H

#include "load/options.h"
#include "load/results.h"

struct crew {
    uint64_t start_ns, end_ns;   /* requests start, the last worker has ended measuring */
    struct results *results[OPTIONS_WORKERS_MAX];
    bool lost[OPTIONS_WORKERS_MAX];
    char why_lost[OPTIONS_WORKERS_MAX][64]; /* "killed by signal 9" */
    bool interrupted;
};

/* Forks the workers and returns when all have ended. Draws a progress line on standard error where `progress`. Returns 0, or
 * an errno value where they could not be started; what was mapped is freed by crew_free in any case. */
int crew_run(struct crew *crew, const struct load_options *options, bool progress);
void crew_free(struct crew *crew);

#endif
