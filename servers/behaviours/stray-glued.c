/* Bytes behind the response, in the same segment: the client has them before it has handed the connection back, in its own
 * buffer where it reads greedily, or unread in the kernel. */
#include "behaviour.h"

struct stray_glued {
    unsigned what;
};

static const struct option options[] = {
    OPTION_ONE_OF(STRAY_CHOICES, struct stray_glued, what, "byte", "which bytes"),
    {0},
};

static void request(struct conn *c)
{
    const struct stray_glued *o = conn_options(c);
    conn_reply(c, &(struct reply){.glued = STRAY_BYTE + o->what});
}

BEHAVIOUR(stray_glued) = {
    .name = "stray-glued",
    .summary = "sends bytes that answer nothing behind each response, in the same write",
    .options = options,
    .options_bytes = sizeof(struct stray_glued),
    .request = request,
};
