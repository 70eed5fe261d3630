/* What every server does to a connection that idles too long: the commonest reason for a stale connection in a pool. */
#include "behaviour.h"

struct close_idle {
    double after_ms;
};

static const struct option options[] = {
    OPTION(OPTION_MS, struct close_idle, after_ms, "100", "how long after the last response"),
    {0},
};

static void responded(struct conn *c)
{
    const struct close_idle *o = conn_options(c);
    conn_wait(c, o->after_ms);
}

BEHAVIOUR(close_idle) = {
    .name = "close-idle",
    .summary = "closes an idle connection with FIN, some time after its last response",
    .options = options,
    .options_bytes = sizeof(struct close_idle),
    .responded = responded,
    .tick = conn_end_fin,
};
