/* nginx's keepalive_requests and Tomcat's maxKeepAliveRequests: the Nth response is the connection's last. Both announce it;
 * announced=false is a server that does not. Both close what idles, too, announced by nobody: idle_ms. */
#include "behaviour.h"

struct close_after {
    uint64_t requests;
    bool announced;
    double idle_ms;
};

static const struct option options[] = {
    OPTION(OPTION_COUNT, struct close_after, requests, "100", "how many requests a connection may bring; 0 is as good as 1"),
    OPTION(OPTION_BOOL, struct close_after, announced, "true", "whether the last response says Connection: close"),
    OPTION(OPTION_MS, struct close_after, idle_ms, "0", "and how long it may idle before that, 0: for ever"),
    {0},
};

static bool is_last(const struct conn *c)
{
    const struct close_after *o = conn_options(c);
    return conn_requests(c) >= o->requests;
}

static void request(struct conn *c)
{
    const struct close_after *o = conn_options(c);
    conn_reply(c, &(struct reply){.close = o->announced && is_last(c)});
}

static void responded(struct conn *c)
{
    const struct close_after *o = conn_options(c);
    if (is_last(c))
        conn_end_fin(c);
    else if (o->idle_ms > 0)
        conn_wait(c, o->idle_ms);
}

BEHAVIOUR(close_after) = {
    .name = "close-after",
    .summary = "closes with FIN behind the Nth response of a connection",
    .options = options,
    .options_bytes = sizeof(struct close_after),
    .request = request,
    .responded = responded,
    .tick = conn_end_fin,
};
