/* What a server does on reload, or a proxy whose own idle time is very short: the head promises to stay, and the FIN comes right
 * behind the body. A pool that does not look before it keeps the connection keeps a dead one. */
#include "behaviour.h"

BEHAVIOUR(fin_behind) = {
    .name = "fin-behind",
    .summary = "promises keep-alive and sends FIN right behind the response",
    .responded = conn_end_fin,
};
