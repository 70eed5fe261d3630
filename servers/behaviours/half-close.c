/* A server that will send nothing more and still listens. To a client's loop it looks like a FIN, which it is; a request sent
 * on it is read, and stays without an answer for ever. */
#include "behaviour.h"

BEHAVIOUR(half_close) = {
    .name = "half-close",
    .summary = "shuts its sending side down behind the first response, and goes on reading",
    .responded = conn_half_close,
};
