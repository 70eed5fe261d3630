/* Bytes that nobody asked for, on a connection that is idle. It stays open: a pool that ignores them hands them to its next
 * user as the beginning of an answer, and with what=200 as a whole one. */
#include "behaviour.h"

struct stray_idle {
    double after_ms;
    unsigned what;
};

static const struct option options[] = {
    OPTION(OPTION_MS, struct stray_idle, after_ms, "100", "how long after the last response"),
    OPTION_ONE_OF(STRAY_CHOICES, struct stray_idle, what, "byte", "which bytes"),
    {0},
};

static void responded(struct conn *c)
{
    const struct stray_idle *o = conn_options(c);
    conn_wait(c, o->after_ms);
}

static void tick(struct conn *c)
{
    const struct stray_idle *o = conn_options(c);
    conn_send_stray(c, STRAY_BYTE + o->what);
}

BEHAVIOUR(stray_idle) = {
    .name = "stray-idle",
    .summary = "sends bytes that answer nothing on an idle connection, some time after its last response",
    .options = options,
    .options_bytes = sizeof(struct stray_idle),
    .responded = responded,
    .tick = tick,
};
