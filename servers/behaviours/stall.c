/* A server that hangs: it takes the request and never says a word. Only the client's own timeout ends this. */
#include "behaviour.h"

static void request(struct conn *c)
{
    conn_mark(c, "stalled");
}

BEHAVIOUR(stall) = {
    .name = "stall",
    .summary = "accepts, reads each request, and never answers",
    .request = request,
};
