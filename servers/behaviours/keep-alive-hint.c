/* Keep-Alive: timeout=N says how long an idle connection may be kept. In nginx the hint and the real time are two independent
 * arguments, Tomcat rounds down: honest_ms is when the FIN really comes. */
#include "behaviour.h"

struct keep_alive_hint {
    uint64_t timeout_s;
    double honest_ms;
};

static const struct option options[] = {
    OPTION(OPTION_COUNT, struct keep_alive_hint, timeout_s, "1", "what the header says; 0: no header"),
    OPTION(OPTION_MS, struct keep_alive_hint, honest_ms, "1000", "when the idle connection is really closed; 0: never"),
    {0},
};

static void request(struct conn *c)
{
    const struct keep_alive_hint *o = conn_options(c);
    conn_reply(c, &(struct reply){.keep_alive_s = o->timeout_s});
}

static void responded(struct conn *c)
{
    const struct keep_alive_hint *o = conn_options(c);
    if (o->honest_ms > 0)
        conn_wait(c, o->honest_ms);
}

BEHAVIOUR(keep_alive_hint) = {
    .name = "keep-alive-hint",
    .summary = "announces Keep-Alive: timeout=N, and closes idle connections then, or at another time",
    .options = options,
    .options_bytes = sizeof(struct keep_alive_hint),
    .request = request,
    .responded = responded,
    .tick = conn_end_fin,
};
