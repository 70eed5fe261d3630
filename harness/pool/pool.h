/* pool.h - the core of the connection pool: events in, actions out.
 *
 * PURE: no clock, no descriptor, no system call; it calls nothing but memory and assert. Whoever drives it (pool_ev.c on
 * libev, a simulator with virtual time, a fuzzer, your own event loop) tells it what happened and does what it says:
 *
 *     pool_handle(pool, &event);
 *     while (pool_next_action(pool, &action))
 *         ...do it...
 *
 * and hands it a POOL_TICK once pool_deadline(pool) has been reached. One `struct pool` holds all pools of one worker:
 * one per key ("host:port", "unix:/path"). It is for one thread.
 *
 * The semantics are those of the lua-nginx-module manual's tcpsock:setkeepalive: immediate check-in, an idle timeout per
 * connection, a size that counts idle connections only and is fixed by whoever creates the pool, eviction of the least
 * recently used idle connection, and the most recently returned connection first at check-out. A pool that is created with a
 * backlog (tcpsock:connect's option) is limited: of its key no more than `size` connections exist at any time, connecting and
 * idle ones included, and up to `backlog` tickets wait in line, first come first served.
 *
 * Memory: `struct pool_conn` and `struct pool_ticket` are the caller's, embedded in its own structs, zeroed before their
 * first event, and must stay in place until the core has let go of them (said per event and action below). No event
 * allocates except POOL_CHECKOUT of a key that is not known and POOL_CONNECTED (room for one more deadline). */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;
struct pool_origin; /* one key and what belongs to it */
struct pool_conn;
struct pool_ticket;

#define POOL_UNLIMITED UINT64_MAX /* an idle timeout that never comes; pool_deadline: no timer needed */

struct pool_config {
    unsigned size;              /* of a pool that nobody sized (lua_socket_pool_size; 30) */
    uint64_t idle_timeout_ns;   /* of a check-in that names none (lua_socket_keepalive_timeout; 60 s) */
    uint64_t look_again_ns;     /* how long a look at a socket counts, the loop's own or a probe's (100 us) */
};

struct pool_link { /* an intrusive, circular list */
    struct pool_link *prev, *next;
};

enum pool_seen { /* what a look at a socket showed */
    POOL_SEEN_QUIET,
    POOL_SEEN_DATA,  /* unread bytes */
    POOL_SEEN_EOF,   /* the peer's FIN */
    POOL_SEEN_ERROR, /* a reset, a timeout */
};

enum pool_reason {
    POOL_REASON_NONE,
    POOL_REASON_DISCARDED, /* its user said no */
    POOL_REASON_DUBIOUS,   /* unread data at check-in: "connection in dubious state" */
    POOL_REASON_EVICTED,   /* least recently used, and the pool was full */
    POOL_REASON_EXPIRED,   /* idle for too long */
    POOL_REASON_STRAY,     /* unread data while idle */
    POOL_REASON_PEER_CLOSED,
    POOL_REASON_PEER_RESET,
    POOL_REASON_STOPPING,
    POOL_REASON_NO_MEMORY,
    POOL_REASON_OVER_LIMIT, /* one connection more than a limited pool may have came back to it */
    POOL_REASON_BACKLOG_FULL, /* refused: "too many waiting connect operations" */
    POOL_REASON_COUNT
};

/* A word or two for each, static; for traces and error texts. */
const char *pool_reason_text(enum pool_reason reason);

enum pool_event_type {
    POOL_CHECKOUT,       /* ticket wants a connection to `key` */
    POOL_PROBED,         /* answer to a probe: conn, seen */
    POOL_CONNECTED,      /* answer to a connect: ticket, and the new conn, now in use. The ticket is the caller's again */
    POOL_CONNECT_FAILED, /* answer to a connect: ticket, the caller's again */
    POOL_CANCEL,         /* ticket waits or connects, and is wanted no more; the caller's again. A connect is the caller's to drop */
    POOL_CHECKIN,        /* conn is returned: seen, idle_timeout_ns, size */
    POOL_DISCARD,        /* conn in use is given up; answered by a close */
    POOL_READABLE,       /* an idle conn was found readable: seen */
    POOL_TICK,           /* time has passed */
    POOL_STOP,           /* close what is idle now, and every connection as it comes back (a worker that shuts down) */
};

struct pool_event {
    enum pool_event_type type;
    uint64_t now_ns;            /* read from the clock, not a loop's cached time; never goes back */
    uint64_t polled_ns;         /* CHECKOUT: when the loop last collected what had happened on its sockets */
    struct pool_ticket *ticket;
    struct pool_conn *conn;
    enum pool_seen seen;
    const char *key;            /* CHECKOUT: copied where it is new */
    size_t key_bytes;
    uint64_t idle_timeout_ns;   /* CHECKIN: 0 = the default, POOL_UNLIMITED = none */
    unsigned size;              /* CHECKIN, CHECKOUT: 0 = the default; only looked at when this creates the pool */
    bool limited;               /* CHECKOUT: with a backlog. A check-out that names neither this nor a size creates no pool */
    unsigned backlog;           /* CHECKOUT: how many may wait; only looked at when this creates the pool */
};

enum pool_action_type {
    POOL_DO_CONNECT, /* ticket: open a connection for it, then CONNECTED or CONNECT_FAILED */
    POOL_DO_PROBE,   /* ticket, conn: look at the idle conn, then PROBED, before any other event */
    POOL_DO_WAIT,    /* ticket: it is in line; CONNECT or REUSE comes with the event that frees a place, or CANCEL it */
    POOL_DO_REUSE,   /* ticket, conn: the ticket is served and the caller's again; conn is in use */
    POOL_DO_REFUSE,  /* ticket, reason: there will be no connection; the ticket is the caller's again */
    POOL_DO_PARK,    /* conn is idle: watch it for anything readable */
    POOL_DO_CLOSE,   /* conn, reason: close it; the core has let go of it. Also the answer to a check-in that is not taken */
};

struct pool_action {
    enum pool_action_type type;
    enum pool_reason reason;
    struct pool_ticket *ticket;
    struct pool_conn *conn;
};

struct pool_todo { /* private: an action in the queue */
    struct pool_link link;
    struct pool_action action;
};

enum pool_conn_state { POOL_CONN_NEW, POOL_CONN_IN_USE, POOL_CONN_IDLE, POOL_CONN_PROBING };
enum pool_ticket_state { POOL_TICKET_FREE, POOL_TICKET_WAITING, POOL_TICKET_CONNECTING };

struct pool_conn {
    /* For reading. */
    unsigned reused;             /* how often it was handed out again after a check-in (getreusedtimes) */
    enum pool_conn_state state;
    /* Private. */
    struct pool_origin *origin;
    bool member;                 /* belongs to a pool that has a size: was opened for one, or has been checked in */
    struct pool_link idle;       /* in its origin's list, least recently returned first */
    struct pool_todo todo;
    uint64_t looked_at_ns;
    uint64_t deadline_ns;
    size_t heap_at;              /* its place among the deadlines, from 1; 0: it has none */
};

struct pool_ticket {
    /* For reading. */
    enum pool_ticket_state state;
    /* Private. */
    struct pool_origin *origin;
    struct pool_link line; /* in its origin's line of waiters */
    struct pool_todo todo;
    bool member;
    unsigned size, backlog; /* as its check-out named them */
    bool limited;
    uint64_t polled_ns;
};

/* NULL where memory is out. */
struct pool *pool_new(const struct pool_config *config);

/* Forgets everything; connections and tickets stay their owners'. */
void pool_free(struct pool *pool);

void pool_handle(struct pool *pool, const struct pool_event *event);
bool pool_next_action(struct pool *pool, struct pool_action *action);

/* When the next idle connection expires, in the clock of now_ns; POOL_UNLIMITED: never. */
uint64_t pool_deadline(const struct pool *pool);

/* Whether the pool that conn would be checked in to exists already, so that its size cannot be chosen any more. */
bool pool_exists_for(const struct pool_conn *conn);

/* What the pool says of itself. The counters are for the pool's whole life. */
struct pool_stats {
    unsigned idle, in_use, connecting, waiting;
    uint64_t connects, connect_failures, reuses, checkins, probes;
    uint64_t closed[POOL_REASON_COUNT];
};
void pool_stats_all(const struct pool *pool, struct pool_stats *out);

/* Calls `each` for every key that is known now. */
struct pool_view {
    const char *key; /* the core's, for the call */
    size_t key_bytes;
    unsigned size;   /* 0: only connections that belong to no pool */
    unsigned idle, in_use, connecting, waiting;
};
void pool_each(const struct pool *pool, void *user, void (*each)(void *user, const struct pool_view *view));

#endif
