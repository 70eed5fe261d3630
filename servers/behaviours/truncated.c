/* A server killed in the middle of a body, or one whose send timed out. Only the framing shows it: Content-Length promised
 * more than came before the FIN. */
#include "behaviour.h"

static void request(struct conn *c)
{
    conn_reply(c, &(struct reply){.cut = REPLY_CUT_BODY});
    conn_end_fin(c);
}

BEHAVIOUR(truncated) = {
    .name = "truncated",
    .summary = "sends half of each body, then FIN",
    .request = request,
};
