/* listener.h - one address that the server listens on, with its behaviours and its books. */
#ifndef LISTENER_H
#define LISTENER_H

#include "base/net.h"
#include "plan.h"
#include "record.h"
#include "server.h"

#include <ev.h>
#include <stdbool.h>
#include <sys/queue.h>

struct conn;

struct listener {
    SLIST_ENTRY(listener) link;
    struct server *server;
    char *name;
    struct net_addr address; /* with the port that the kernel chose */
    int fd;                  /* -1: listens no more */
    ev_io acceptable;
    ev_timer pause;
    bool paused;             /* somebody has ordered that clients wait */
    bool full;               /* clients wait for others to go */
    struct capacity capacity;
    bool short_of_descriptors; /* the last accept failed for want of one, and so it was said */
    bool by_request;         /* each request takes the next behaviour, not each connection */
    struct plan plan;
    struct record record;
    LIST_HEAD(, conn) conns;
};

struct listener_config {
    const char *name;
    const char *address; /* as net_parse reads it; port 0: the kernel chooses */
    bool by_request;
    enum record_level level;
    struct plan plan; /* taken over, also on failure */
};

/* Listens, and enters the listener among its server's. NULL, with a sentence of OPTIONS_ERR_BYTES in err, where it cannot. */
struct listener *listener_new(struct server *s, const struct listener_config *config, char *err);

/* NULL: none of that name. */
struct listener *listener_find(struct server *s, const char *name);

/* Listens no more; its connections and its books stay. */
void listener_stop(struct listener *l);

/* Tells the behaviours that have such an order, for each of their connections. Returns 0, or -1 with a sentence in err. */
int listener_order(struct listener *l, const char *order, char *err);

/* To be called when a connection may have gone: accepts those who waited for that; where an order has paused it, it listens no more
 * once the last has gone. */
void listener_conn_gone(struct listener *l);

/* Stops, closes the connections, and gives everything back. */
void listener_free(struct listener *l);

#endif
