#include "proof/books_private.h"

#include <string.h>

void books_init(struct books *b, const struct pool_config *config, int conns, int tickets, int keys)
{
    memset(b->conns, 0, (size_t)conns * sizeof *b->conns);
    memset(b->tickets, 0, (size_t)tickets * sizeof *b->tickets);
    memset(b->keys, 0, (size_t)keys * sizeof *b->keys);
    memset(&b->stats, 0, sizeof b->stats);
    b->broken = NULL;
    b->config = *config;
    b->conn_count = conns;
    b->ticket_count = tickets;
    b->key_count = keys;
    b->order = 0;
    b->stopping = false;
}

/* --- moving things ------------------------------------------------------------------------------------------------------- */

/* Where a thing is counted. A connection that is being looked at or handed back is counted nowhere, but keeps its pool alive. */
static void count_conn(struct books *b, const struct books_conn *c, unsigned by)
{
    struct books_key *k = &b->keys[c->key];
    k->idle += c->place == BOOKS_IDLE ? by : 0;
    k->in_use += c->place == BOOKS_IN_USE ? by : 0;
    k->members += c->place != BOOKS_ABSENT && c->member ? by : 0;
}

static void count_ticket(struct books *b, const struct books_ticket *t, unsigned by)
{
    struct books_key *k = &b->keys[t->key];
    k->connecting += t->wish == BOOKS_CONNECTING ? by : 0;
    k->waiting += t->wish == BOOKS_WAITING ? by : 0;
    k->members += t->member ? by : 0;
}

static void forget_pool_of(struct books *b, int key)
{
    struct books_key *k = &b->keys[key];
    k->sized = k->sized && k->members;
}

void books_place(struct books *b, struct books_conn *c, enum books_place to)
{
    count_conn(b, c, -1u);
    c->place = to;
    count_conn(b, c, 1);
    forget_pool_of(b, c->key);
}

void books_wish(struct books *b, struct books_ticket *t, enum books_wish to)
{
    count_ticket(b, t, -1u);
    t->wish = to;
    t->member = to == BOOKS_WAITING || (to == BOOKS_CONNECTING && b->keys[t->key].sized);
    count_ticket(b, t, 1);
    forget_pool_of(b, t->key);
}

void books_create_pool(struct books *b, int key, unsigned size, bool limited, unsigned backlog)
{
    struct books_key *k = &b->keys[key];
    if (k->sized)
        return;
    k->sized = true;
    k->size = size ? size : b->config.size;
    k->limited = limited;
    k->backlog = backlog;
}

unsigned books_total(const struct books_key *k)
{
    return k->idle + k->in_use + k->connecting;
}

bool books_is_full(const struct books_key *k)
{
    return k->sized && k->limited && books_total(k) >= k->size;
}

/* --- who comes first ------------------------------------------------------------------------------------------------------- */

bool books_is_newest(const struct books *b, const struct books_conn *c)
{
    for (int i = 0; i < b->conn_count; i++)
        if (b->conns[i].place == BOOKS_IDLE && b->conns[i].key == c->key && b->conns[i].returned > c->returned)
            return false;
    return true;
}

bool books_is_oldest(const struct books *b, const struct books_conn *c)
{
    for (int i = 0; i < b->conn_count; i++)
        if (b->conns[i].place == BOOKS_IDLE && b->conns[i].key == c->key && b->conns[i].returned < c->returned)
            return false;
    return true;
}

bool books_is_first_in_line(const struct books *b, const struct books_ticket *t)
{
    for (int i = 0; i < b->ticket_count; i++)
        if (b->tickets[i].wish == BOOKS_WAITING && b->tickets[i].key == t->key && b->tickets[i].joined < t->joined)
            return false;
    return t->wish == BOOKS_WAITING;
}

uint64_t books_deadline(const struct books *b)
{
    uint64_t first = POOL_UNLIMITED;
    for (int i = 0; i < b->conn_count; i++)
        if (b->conns[i].place == BOOKS_IDLE && b->conns[i].deadline_ns < first)
            first = b->conns[i].deadline_ns;
    return first;
}

/* --- events ---------------------------------------------------------------------------------------------------------------- */

static enum pool_reason verdict_of(const struct books *b, const struct books_key *k, enum pool_seen seen)
{
    switch (seen) {
    case POOL_SEEN_DATA:
        return POOL_REASON_DUBIOUS;
    case POOL_SEEN_EOF:
        return POOL_REASON_PEER_CLOSED;
    case POOL_SEEN_ERROR:
        return POOL_REASON_PEER_RESET;
    default:
        break;
    }
    if (b->stopping)
        return POOL_REASON_STOPPING;
    return k->sized && k->limited && books_total(k) > k->size ? POOL_REASON_OVER_LIMIT : POOL_REASON_NONE;
}

static void begin_checkin(struct books *b, struct books_conn *c)
{
    b->stats.checkins++;
    b->verdict = verdict_of(b, &b->keys[c->key], b->now.seen);
    if (b->verdict == POOL_REASON_NONE) {
        books_create_pool(b, c->key, b->now.size, false, 0);
        count_conn(b, c, -1u);
        c->member = true;
        count_conn(b, c, 1);
    }
    books_place(b, c, BOOKS_RETURNING);
}

static void begin_checkout(struct books *b, struct books_ticket *t)
{
    *t = (struct books_ticket){.wish = BOOKS_ASKING, .key = b->now.key, .polled_ns = b->now.polled_ns, .size = b->now.size,
                               .limited = b->now.limited, .backlog = b->now.backlog};
}

static void begin_use(struct books *b, struct books_ticket *t, struct books_conn *c)
{
    *c = (struct books_conn){.key = t->key, .member = t->member};
    books_place(b, c, BOOKS_IN_USE); /* before the ticket goes, which may be all that the pool lives by */
    books_wish(b, t, BOOKS_FREE);
}

void books_event(struct books *b, const struct books_event *event)
{
    struct books_ticket *t = event->ticket >= 0 ? &b->tickets[event->ticket] : NULL;
    struct books_conn *c = event->conn >= 0 ? &b->conns[event->conn] : NULL;

    b->now = *event;
    switch (event->type) {
    case POOL_CHECKOUT:
        begin_checkout(b, t);
        break;
    case POOL_CONNECTED:
        begin_use(b, t, c);
        break;
    case POOL_CONNECT_FAILED:
        b->stats.connect_failures++;
        books_wish(b, t, BOOKS_FREE);
        break;
    case POOL_CANCEL:
        books_wish(b, t, BOOKS_FREE);
        break;
    case POOL_CHECKIN:
        begin_checkin(b, c);
        break;
    case POOL_DISCARD:
        books_place(b, c, BOOKS_RETURNING);
        break;
    case POOL_STOP:
        b->stopping = true;
        break;
    case POOL_PROBED:
        c->looked_at_ns = event->now_ns;
        break;
    case POOL_READABLE:
    case POOL_TICK:
        break;
    }
}
