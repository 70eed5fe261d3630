/* resolve.h - names to addresses without blocking the loop, over c-ares: /etc/hosts, then DNS as the system is set up. */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "base/net.h"

#include <ev.h>

#define RESOLVE_ADDRS_MAX 8u

struct resolver;

struct resolve_query {
    void (*done)(struct resolve_query *query); /* called once, maybe from inside resolve_start, unless cancelled before */
    void *user;
    /* The answer. */
    unsigned count;                             /* of addresses; 0: why says why */
    struct net_addr addr[RESOLVE_ADDRS_MAX];
    char why[160];                              /* "NAME could not be resolved (3: Host not found)", nginx's words and numbers */
    /* Private. */
    struct resolve_call *call;
};

/* `servers`: "127.0.0.1:5353,..." in place of the system's, or NULL. NULL is returned where c-ares cannot start. */
struct resolver *resolver_new(struct ev_loop *loop, const char *servers);

/* Drops what is under way. */
void resolver_free(struct resolver *r);

/* The query stays the caller's and must be valid until done or resolve_cancel. */
void resolve_start(struct resolver *r, struct resolve_query *query, const char *name, unsigned port);

/* Done will not be called. Harmless on a query that is not under way, if it was zeroed once. */
void resolve_cancel(struct resolve_query *query);

#endif
