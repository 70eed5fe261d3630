/* A server that is slow to begin, slow to go on, or both. A client that has sent its FIN behind the request still gets its
 * answer, as from nginx. */
#include "behaviour.h"

struct slow {
    double delay_ms;
    double drip_ms;
    uint64_t drip_bytes;
};

static const struct option options[] = {
    OPTION(OPTION_MS, struct slow, delay_ms, "100", "how long after the request the response begins"),
    OPTION(OPTION_MS, struct slow, drip_ms, "10", "time between two pieces"),
    OPTION(OPTION_COUNT, struct slow, drip_bytes, "0", "bytes of a piece; 0: all at once"),
    {0},
};

static void request(struct conn *c)
{
    const struct slow *o = conn_options(c);
    conn_wait(c, o->delay_ms);
}

static void tick(struct conn *c)
{
    const struct slow *o = conn_options(c);
    if (o->drip_bytes)
        conn_mark(c, "first bytes");
    conn_reply(c, &(struct reply){.drip_bytes = o->drip_bytes, .drip_ms = o->drip_ms});
}

static void peer_closed(struct conn *c)
{
    conn_mark(c, "answers all the same");
}

BEHAVIOUR(slow) = {
    .name = "slow",
    .summary = "takes its time to begin a response, and to go on with it",
    .options = options,
    .options_bytes = sizeof(struct slow),
    .request = request,
    .tick = tick,
    .peer_closed = peer_closed,
};
