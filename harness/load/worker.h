/* worker.h - one worker process of the load generator: one loop, one pool, one client, its share of the users. */
#ifndef WORKER_H
#define WORKER_H

#include "load/options.h"
#include "load/results.h"
#include "load/schedule.h"

/* Runs until the schedule is over and every request has ended, or until SIGINT or SIGTERM. Returns 0, or an errno value
 * where it could not begin. */
int worker_run(const struct load_options *options, const struct sched_config *schedule, struct results *results);

#endif
