/* A server process that crashes while it answers. The RST follows the bytes at once, so a client that has not read them yet may
 * lose them to it (on loopback they have usually arrived, and are read before ECONNRESET is told). */
#include "behaviour.h"

enum { AT_BEFORE, AT_HEAD, AT_BODY };

struct reset_request {
    unsigned at;
};

static const struct option options[] = {
    OPTION_ONE_OF("before|head|body", struct reset_request, at, "before",
                  "before any byte of the response, in the middle of its head, or of its body"),
    {0},
};

static void request(struct conn *c)
{
    const struct reset_request *o = conn_options(c);
    if (o->at != AT_BEFORE)
        conn_reply(c, &(struct reply){.cut = o->at == AT_HEAD ? REPLY_CUT_HEAD : REPLY_CUT_BODY});
    conn_end_rst(c);
}

BEHAVIOUR(reset_request) = {
    .name = "reset-request",
    .summary = "resets the connection instead of finishing the response",
    .options = options,
    .options_bytes = sizeof(struct reset_request),
    .resets = true,
    .request = request,
};
