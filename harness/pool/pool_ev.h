/* pool_ev.h - the pool core on libev: real sockets, one loop, one worker.
 *
 * A socket is registered with the loop once, when its connect starts, and never modified on the hot path. It is looked at
 * (one recv with MSG_PEEK) at every check-in; while it is idle the loop watches it, at the loop's highest priority, so that
 * everything an iteration has found on idle connections is acted on before any other callback of that iteration can check
 * one out; and at check-out it is looked at again where neither has happened within the last 100 us. */
#ifndef POOL_EV_H
#define POOL_EV_H

#include "base/net.h"
#include "pool/pool.h"

#include <ev.h>

struct pool_ev;

/* A connection that is in use belongs to the one who checked it out, until pool_ev_checkin or pool_ev_discard. */
struct pool_ev_conn {
    struct pool_conn core;   /* .reused may be read */
    int fd;                  /* non-blocking; read and write it as you like, do not close it */
    void (*on_io)(struct pool_ev_conn *conn, int revents); /* EV_READ, EV_WRITE while in use; NULL: not interested in reading */
    void *user;              /* yours while in use */
    /* Private. */
    struct pool_ev *owner;
    struct pool_link list;
    ev_io read, write;
    bool at_idle_priority;
};

struct pool_ev_ticket {
    /* Set by the caller; must stay valid until the ticket is its again. */
    const char *key;         /* the pool's name: the text "host:port" as its user wrote it, or "unix:/path" */
    size_t key_bytes;
    unsigned pool_size;      /* tcpsock:connect's options: of the pool, if this creates it; 0: not given */
    bool limited;            /* with a backlog: no more than the pool's size at any time */
    unsigned backlog;        /* how many may wait in line then */
    const struct net_addr *addr; /* where to, addr_count of them, tried in turn; with 0, resolve is asked */
    unsigned addr_count;
    const struct net_keepalive *keepalive; /* of a connection that is opened for this ticket; NULL: none */
    void (*resolve)(struct pool_ev_ticket *ticket); /* answers with pool_ev_resolved, now or later */
    uint64_t connect_timeout_ns;              /* of waiting in line, and once more of connecting; 0: none */
    void (*done)(struct pool_ev_ticket *ticket); /* called once, only after POOL_EV_PENDING; never from inside a call */
    void *user;
    /* The answer. */
    struct pool_ev_conn *conn; /* NULL where it failed */
    int err;                   /* errno where it failed: ECONNREFUSED, ETIMEDOUT (in line or connecting), ENOMEM, EMFILE ... */
    const char *why;           /* in words, where errno has none: the line is full, our time is up, what pool_ev_resolved said */
    uint64_t connect_ns;       /* how long the connect took; 0 for a reused connection */
    /* Private. */
    struct pool_ticket core;
    struct pool_ev *owner;
    struct pool_ev_conn *connecting;
    bool in_checkout, resolving;
    unsigned tried;            /* addresses */
    uint64_t started_ns;
    ev_timer timeout;
    struct pool_link list;     /* of those that connect next, or whose answer is to be delivered */
};

/* NULL where memory is out. */
struct pool_ev *pool_ev_new(struct ev_loop *loop, const struct pool_config *config);

/* Closes what is idle. Connections in use must have been given back, pending tickets cancelled. */
void pool_ev_free(struct pool_ev *pe);

enum pool_ev_result { POOL_EV_READY, POOL_EV_PENDING, POOL_EV_FAILED };

/* READY: ticket->conn is the caller's. PENDING: done will be called. FAILED: ticket->err. */
enum pool_ev_result pool_ev_checkout(struct pool_ev *pe, struct pool_ev_ticket *ticket);

/* Wherever it is, in line, connecting or with its answer on the way: it is the caller's again, and done is not called. A
 * resolve under way is the caller's to drop. */
void pool_ev_cancel(struct pool_ev_ticket *ticket);

/* Whether it waits in line. */
bool pool_ev_is_in_line(const struct pool_ev_ticket *ticket);

/* The answer to ticket->resolve: ticket->addr and addr_count have been set, or `why` says in words why not (kept by the caller
 * until done). Ignored where the connect timeout came first. */
void pool_ev_resolved(struct pool_ev_ticket *ticket, const char *why);

enum pool_ev_checkin {
    POOL_EV_PARKED,
    POOL_EV_DUBIOUS,  /* unread data: closed instead */
    POOL_EV_CLOSED,   /* the peer had closed or reset it: closed */
};

/* idle_timeout_ns and size as in struct pool_event. The connection is the pool's from here on, whatever is returned. */
enum pool_ev_checkin pool_ev_checkin(struct pool_ev_conn *conn, uint64_t idle_timeout_ns, unsigned size);

/* Closes a connection in use: with a FIN, or with a RST where unread data remains. */
void pool_ev_discard(struct pool_ev_conn *conn);

/* Asks for EV_WRITE (after EAGAIN) or no longer. */
void pool_ev_want_write(struct pool_ev_conn *conn, bool on);

/* Reading again, after on_io was NULL while something arrived. Setting on_io needs this call. */
void pool_ev_want_read(struct pool_ev_conn *conn, void (*on_io)(struct pool_ev_conn *conn, int revents), void *user);

/* No more EV_READ until pool_ev_want_read: for a user who is told of something that it is not going to read now. */
void pool_ev_pause_read(struct pool_ev_conn *conn);

/* A worker that shuts down: idle connections close now, others as they come back (which still counts as success). */
void pool_ev_stop(struct pool_ev *pe);

const struct pool *pool_ev_core(const struct pool_ev *pe);

#endif
