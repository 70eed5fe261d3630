/* A server that lingers (nginx's lingering_close, Tomcat's delayed close): the response says that it is the last, and no FIN
 * comes. A client that goes by the FIN alone keeps the connection; here it is even answered, and every answer says close. */
#include "behaviour.h"

static void request(struct conn *c)
{
    conn_reply(c, &(struct reply){.close = true, .stay_open = true});
}

BEHAVIOUR(close_announced_open) = {
    .name = "close-announced-open",
    .summary = "says Connection: close with each response, and stays open",
    .request = request,
};
