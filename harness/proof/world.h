/* world.h - everything around a pool, in virtual time: users with tickets, peers that misbehave, sockets that show it later,
 * and a loop that drives the core as a binding must. One operation (struct world_op) at a time; an operation that makes no
 * sense in the state that it meets does nothing, so that any list of operations is a valid script and may be cut at will.
 *
 * After each operation the books (books.h) have been compared, and the world's own rule has been looked at: nothing that a
 * socket has shown to be dirty or dead for longer than a look counts is handed out. */
#ifndef WORLD_H
#define WORLD_H

#include "proof/books.h"

#include <stdio.h>

#define WORLD_NEVER UINT64_MAX

enum world_op_kind {
    WORLD_CHECKOUT,       /* ticket, key, size, limited, backlog, starve; delay_ns: how long each look takes */
    WORLD_CONNECTED,      /* ticket, conn: the connect is answered with this new connection; starve */
    WORLD_CONNECT_FAILED, /* ticket */
    WORLD_CANCEL,         /* ticket */
    WORLD_CHECKIN,        /* conn, timeout_ns, size */
    WORLD_DISCARD,        /* conn */
    WORLD_READ,           /* conn: its user reads what is there */
    WORLD_PEER_SENDS,     /* conn, delay_ns: a byte that nobody asked for; the socket shows it after the delay */
    WORLD_PEER_FIN,       /* conn, delay_ns */
    WORLD_PEER_RESET,     /* conn, delay_ns */
    WORLD_POLL,           /* delay_ns: the loop waits, no longer than that; then it acts on what it has found */
    WORLD_SPURIOUS,       /* the loop wakes watchers and timer for nothing */
    WORLD_BUSY,           /* nothing but busy_ns */
    WORLD_STOP,
    WORLD_OPS
};

struct world_op {
    enum world_op_kind kind;
    int ticket, conn, key;
    uint64_t busy_ns;     /* what the application does before, without running the loop */
    uint64_t delay_ns;
    uint64_t timeout_ns;  /* as in struct pool_event */
    unsigned size, backlog;
    bool limited;
    unsigned starve;      /* which allocation fails during the operation, from 1, and all behind it; 0: none */
};

struct world_config {
    struct pool_config pool;
    int conns, tickets, keys;
};

struct world_socket { /* since when it shows what; WORLD_NEVER: it does not */
    uint64_t data_ns, eof_ns, error_ns;
};

struct world {
    struct world_config config;
    struct pool *pool;
    struct books books;
    struct pool_conn conns[BOOKS_CONNS];
    struct pool_ticket tickets[BOOKS_TICKETS];
    struct world_socket sockets[BOOKS_CONNS];
    uint64_t now_ns, polled_ns;
    uint64_t events;      /* that the core has handled */
    long blocks_before, bytes_before; /* of memory */
    bool stopped;
    uint64_t look_ns;     /* how long a look takes now */
    FILE *trace;          /* NULL: none */
};

/* False where memory is out. A world is large: keep it static. */
bool world_open(struct world *w, const struct world_config *config);

/* Whether the operation makes sense in this state. */
bool world_can(const struct world *w, const struct world_op *op);

/* Since when the connection's socket has had anything to show; WORLD_NEVER: it has nothing. */
uint64_t world_readable_since(const struct world *w, int conn);

/* Returns NULL, or the rule that has been broken: then only world_close may follow. */
const char *world_do(struct world *w, const struct world_op *op);

/* Ends everything as a binding does and looks whether the pool has forgotten it all. Returns what world_do does. */
const char *world_drain(struct world *w);

/* Frees the pool, whatever it still holds, and looks for memory that was left. */
const char *world_close(struct world *w);

/* The operation in words, as in a script: one line, without its end. */
void world_print(FILE *out, const struct world_op *op);

#endif
