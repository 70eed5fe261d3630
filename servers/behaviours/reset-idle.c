/* What a crashed server, a firewall or a NAT box that forgot the connection does: RST with no FIN before it, so that the
 * client sees ECONNRESET and not the end of the stream. */
#include "behaviour.h"

struct reset_idle {
    double after_ms;
};

static const struct option options[] = {
    OPTION(OPTION_MS, struct reset_idle, after_ms, "100", "how long after the last response"),
    {0},
};

static void responded(struct conn *c)
{
    const struct reset_idle *o = conn_options(c);
    conn_wait(c, o->after_ms);
}

BEHAVIOUR(reset_idle) = {
    .name = "reset-idle",
    .summary = "resets an idle connection, some time after its last response",
    .options = options,
    .options_bytes = sizeof(struct reset_idle),
    .resets = true,
    .responded = responded,
    .tick = conn_end_rst,
};
