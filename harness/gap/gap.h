/* gap.h - what becomes of a connection that is used again after an idle time.
 *
 * A plan is a list of idle times. For each, a connection of its own makes a request, goes back to the pool behind the response,
 * idles for that long, and is asked for again: the second request then goes over the same connection, over a new one (the pool
 * had noticed, or given up the old one itself), or fails. Pairs begin at a constant rate, so that they do not crowd each other. */
#ifndef GAP_H
#define GAP_H

#include "client/client.h"
#include "client/url.h"

struct gap_config {
    const struct url *url;
    uint64_t idle_timeout_ns; /* the pool's; POOL_UNLIMITED: none */
    uint64_t timeout_ns;      /* of one request */
    double rate;              /* pairs that begin in a second */
};

/* One pair. A failure is an outcome like any other. */
struct gap_result {
    uint64_t planned_ns;      /* the idle time that was asked for: set by the caller */
    uint64_t gap_ns;          /* that came about: from the end of the first response to the second request */
    uint64_t span_ns;         /* the same from the first request's sending: the server was idle for no longer than this */
    bool kept;                /* the first request succeeded, and its connection went into the pool: only then the rest counts */
    unsigned reused;          /* of the second request: 0 on a new connection */
    enum client_phase phase;  /* of the second request */
    int err;
};

/* Runs the whole plan. Returns 0, or an errno value where it could not begin. */
int gap_run(const struct gap_config *config, struct gap_result *results, unsigned count);

#endif
