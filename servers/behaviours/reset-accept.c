/* What a full accept queue with tcp_abort_on_overflow, or a proxy without a backend, does: the connect succeeds, and the
 * first read or write fails. */
#include "behaviour.h"

BEHAVIOUR(reset_accept) = {
    .name = "reset-accept",
    .summary = "resets each connection as soon as it is accepted",
    .resets = true,
    .accepted = conn_end_rst,
};
