/* books.h - a second set of books about a pool, kept from the events that go in and the actions that come out, by the rules
 * that the pool promises (pool/pool.h) and without asking it. Each action is judged when it comes: was it allowed, was it the
 * right connection, the right ticket? When an event is done, what was owed is looked for, and the pool's own numbers are
 * compared with these.
 *
 * Connections, tickets and keys are known by their number. The first rule that is broken stays in `broken`. */
#ifndef BOOKS_H
#define BOOKS_H

#include "pool/pool.h"

#define BOOKS_CONNS 192
#define BOOKS_TICKETS 96
#define BOOKS_KEYS 128
#define BOOKS_NOBODY (-1)

enum books_place { BOOKS_ABSENT, BOOKS_IN_USE, BOOKS_RETURNING, BOOKS_IDLE, BOOKS_PROBING };
enum books_wish { BOOKS_FREE, BOOKS_ASKING, BOOKS_WAITING, BOOKS_CONNECTING };

struct books_conn {
    enum books_place place;
    int key;
    bool member;           /* keeps the pool alive */
    unsigned reused;
    uint64_t returned;     /* order of the check-ins */
    uint64_t looked_at_ns, deadline_ns;
};

struct books_ticket {
    enum books_wish wish;
    int key;
    bool member;
    uint64_t joined;       /* order in line */
    uint64_t polled_ns;
    unsigned size, backlog;
    bool limited;
};

struct books_key {
    bool sized, limited;
    unsigned size, backlog;
    unsigned idle, in_use, connecting, waiting, members;
};

struct books_event { /* a struct pool_event in numbers */
    enum pool_event_type type;
    uint64_t now_ns, polled_ns;
    int ticket, conn, key;
    enum pool_seen seen;
    uint64_t idle_timeout_ns;
    unsigned size, backlog;
    bool limited;
    bool memory_failed;    /* an allocation was refused to the pool during the event */
};

struct books {
    const char *broken;    /* a sentence; NULL: all is well */
    struct pool_config config;
    int conn_count, ticket_count, key_count;
    struct books_conn conns[BOOKS_CONNS];
    struct books_ticket tickets[BOOKS_TICKETS];
    struct books_key keys[BOOKS_KEYS];
    uint64_t order;        /* of check-ins and of joining the line */
    bool stopping;
    struct books_event now;
    enum pool_reason verdict; /* of the check-in under way: why it must not be taken */
    struct pool_stats stats;
};

void books_init(struct books *b, const struct pool_config *config, int conns, int tickets, int keys);

/* Before the pool handles it. `memory_failed` may be set after it did. */
void books_event(struct books *b, const struct books_event *event);

/* Each action, in order; BOOKS_NOBODY where it names no ticket or connection. */
void books_action(struct books *b, enum pool_action_type type, enum pool_reason reason, int ticket, int conn);

/* When an event and, after a PROBE, its PROBED have been handled: nothing may be owed any more. */
void books_settle(struct books *b);

/* What the pool says of itself (books_audit.c). `conns` and `tickets` are in the order of their numbers; key number n has the
 * text of books_key_text. */
void books_audit(struct books *b, const struct pool *pool, const struct pool_conn *conns, const struct pool_ticket *tickets);

/* When the next idle connection is due; POOL_UNLIMITED: never. */
uint64_t books_deadline(const struct books *b);

/* The text of a key and its length. */
const char *books_key_text(int key, size_t *bytes);

/* Notes a broken rule. Returns `holds`. */
static inline bool books_rule(struct books *b, bool holds, const char *sentence)
{
    if (!holds && !b->broken)
        b->broken = sentence;
    return holds;
}

#endif
