/* A server, or a proxy before it, that speaks HTTP/1.0: there a connection closes unless the response says keep-alive. */
#include "behaviour.h"

struct http10 {
    bool keep_alive;
};

static const struct option options[] = {
    OPTION(OPTION_BOOL, struct http10, keep_alive, "true", "say Connection: keep-alive and stay; false: say nothing, and FIN"),
    {0},
};

static void request(struct conn *c)
{
    const struct http10 *o = conn_options(c);
    conn_reply(c, &(struct reply){.http10 = true, .close = !o->keep_alive});
}

BEHAVIOUR(http10) = {
    .name = "http10",
    .summary = "answers in HTTP/1.0, with or without keep-alive",
    .options = options,
    .options_bytes = sizeof(struct http10),
    .request = request,
};
