/* What a client meets that sends just when the server gives up on an idle connection: the commonest face of a stale one, no
 * error, only the end of the stream and not one byte before it. */
#include "behaviour.h"

BEHAVIOUR(fin_request) = {
    .name = "fin-request",
    .summary = "answers each request with FIN and not one byte",
    .request = conn_end_fin,
};
