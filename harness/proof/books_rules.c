/* Which action is allowed, and what is owed when an event is over. */
#include "proof/books_private.h"

static bool is_about(const struct books *b, enum pool_event_type type, int conn)
{
    return b->now.type == type && b->now.conn == conn;
}

/* A look that the event brought: at an idle connection, at one before it is handed out, or at one that comes back. */
static bool was_seen(const struct books *b, int conn, enum pool_seen seen, bool at_checkin)
{
    return b->now.seen == seen && (is_about(b, POOL_READABLE, conn) || is_about(b, POOL_PROBED, conn) ||
                                   (at_checkin && is_about(b, POOL_CHECKIN, conn)));
}

static bool may_expire(const struct books *b, const struct books_conn *c)
{
    bool serving = b->now.type == POOL_CHECKOUT || b->now.type == POOL_PROBED;
    bool looked_at = is_about(b, POOL_PROBED, (int)(c - b->conns)) && b->now.seen == POOL_SEEN_QUIET;
    if (c->place == BOOKS_PROBING)
        return c->deadline_ns <= b->now.now_ns && looked_at;
    return c->place == BOOKS_IDLE && c->deadline_ns <= b->now.now_ns &&
           (b->now.type == POOL_TICK || (serving && c->key == b->tickets[b->now.ticket].key && books_is_newest(b, c)));
}

static bool may_evict(const struct books *b, const struct books_conn *c)
{
    const struct books_key *k = &b->keys[c->key];
    return b->now.type == POOL_CHECKIN && b->verdict == POOL_REASON_NONE && b->conns[b->now.conn].key == c->key &&
           b->conns[b->now.conn].place == BOOKS_RETURNING && c->place == BOOKS_IDLE && k->idle >= k->size && !k->waiting;
}

static void judge_close(struct books *b, enum pool_reason reason, int conn)
{
    const struct books_conn *c = &b->conns[conn];
    bool refused = is_about(b, POOL_CHECKIN, conn) && b->verdict == reason;
    switch (reason) {
    case POOL_REASON_DISCARDED:
        books_rule(b, is_about(b, POOL_DISCARD, conn), "only a connection that its user discards is closed as discarded");
        break;
    case POOL_REASON_DUBIOUS:
    case POOL_REASON_OVER_LIMIT:
        books_rule(b, refused, "a check-in is refused only for a reason");
        break;
    case POOL_REASON_STOPPING:
        books_rule(b, refused || (b->now.type == POOL_STOP && c->place == BOOKS_IDLE),
                   "stopping closes idle connections and those that come back");
        break;
    case POOL_REASON_STRAY:
        books_rule(b, was_seen(b, conn, POOL_SEEN_DATA, false), "only where data was seen is a connection stray");
        break;
    case POOL_REASON_PEER_CLOSED:
        books_rule(b, was_seen(b, conn, POOL_SEEN_EOF, true), "only where a FIN was seen has the peer closed");
        break;
    case POOL_REASON_PEER_RESET:
        books_rule(b, was_seen(b, conn, POOL_SEEN_ERROR, true), "only where an error was seen has the peer reset");
        break;
    case POOL_REASON_EVICTED:
        books_rule(b, may_evict(b, c), "only a full pool that takes a connection evicts one, and an idle one");
        books_rule(b, books_is_oldest(b, c), "the least recently returned connection is evicted");
        break;
    case POOL_REASON_EXPIRED:
        books_rule(b, may_expire(b, c), "only an idle connection that is due expires");
        break;
    case POOL_REASON_NO_MEMORY:
        books_rule(b, b->now.memory_failed && is_about(b, POOL_CONNECTED, conn), "memory is said to be out only where it is");
        break;
    default:
        books_rule(b, false, "each close has a reason of its own");
    }
}

static void do_close(struct books *b, enum pool_reason reason, int conn)
{
    struct books_conn *c = &b->conns[conn];
    if (!books_rule(b, c->place != BOOKS_ABSENT, "a connection is closed once"))
        return;
    judge_close(b, reason, conn);
    b->stats.closed[reason]++;
    books_place(b, c, BOOKS_ABSENT);
}

static void do_park(struct books *b, int conn)
{
    struct books_conn *c = &b->conns[conn];
    const struct books_key *k = &b->keys[c->key];
    const struct books_event *e = &b->now;
    uint64_t timeout = e->idle_timeout_ns ? e->idle_timeout_ns : b->config.idle_timeout_ns;

    if (!books_rule(b, is_about(b, POOL_CHECKIN, conn) && c->place == BOOKS_RETURNING, "only what is checked in is parked, once"))
        return;
    books_rule(b, b->verdict == POOL_REASON_NONE, "a dirty, dead or surplus connection is not parked, nor any while stopping");
    books_rule(b, !k->waiting, "who waits in line has the returned connection");
    books_rule(b, k->idle < k->size, "no more connections idle than the size");
    c->returned = ++b->order;
    c->looked_at_ns = e->now_ns;
    c->deadline_ns = e->now_ns + timeout < timeout ? POOL_UNLIMITED : e->now_ns + timeout;
    books_place(b, c, BOOKS_IDLE);
}

/* An idle connection comes up for a ticket that has just asked: the newest, not due. */
static bool is_next_for(struct books *b, const struct books_ticket *t, const struct books_conn *c)
{
    return books_rule(b, c->place == BOOKS_IDLE, "only an idle connection is handed out") &&
           books_rule(b, c->key == t->key, "a connection is handed out under its own key") &&
           books_rule(b, books_is_newest(b, c), "the most recently returned connection is handed out first") &&
           books_rule(b, c->deadline_ns > b->now.now_ns, "a connection that is due is never handed out");
}

static bool is_fresh(const struct books *b, const struct books_ticket *t, const struct books_conn *c)
{
    uint64_t last = c->looked_at_ns > t->polled_ns ? c->looked_at_ns : t->polled_ns;
    return b->now.now_ns - last <= b->config.look_again_ns;
}

static void do_reuse(struct books *b, int ticket, int conn)
{
    struct books_ticket *t = &b->tickets[ticket];
    struct books_conn *c = &b->conns[conn];

    if (is_about(b, POOL_CHECKIN, conn)) {
        books_rule(b, c->place == BOOKS_RETURNING && b->verdict == POOL_REASON_NONE, "a refused connection is handed to nobody");
        books_rule(b, t->key == c->key && books_is_first_in_line(b, t), "first come, first served");
    } else if (is_about(b, POOL_PROBED, conn)) {
        books_rule(b, c->place == BOOKS_PROBING && ticket == b->now.ticket, "who asked has the connection that was looked at");
        books_rule(b, b->now.seen == POOL_SEEN_QUIET, "what was found dirty or dead is not handed out");
        books_rule(b, c->deadline_ns > b->now.now_ns, "a connection that is due is never handed out");
    } else {
        books_rule(b, t->wish == BOOKS_ASKING && ticket == b->now.ticket, "a connection is handed to a ticket that asks");
        if (is_next_for(b, t, c))
            books_rule(b, is_fresh(b, t, c), "a connection is looked at before it is handed out after a while");
    }
    c->reused++;
    b->stats.reuses++;
    books_place(b, c, BOOKS_IN_USE);
    books_wish(b, t, BOOKS_FREE);
}

static void do_probe(struct books *b, int ticket, int conn)
{
    const struct books_ticket *t = &b->tickets[ticket];
    struct books_conn *c = &b->conns[conn];
    books_rule(b, t->wish == BOOKS_ASKING && ticket == b->now.ticket, "a look is for a ticket that asks");
    if (is_next_for(b, t, c))
        books_rule(b, !is_fresh(b, t, c), "no look at a connection that has just been looked at");
    b->stats.probes++;
    books_place(b, c, BOOKS_PROBING);
}

/* A ticket that is to have a new connection, or to wait for one: nothing idle is there for it. */
static void come_to_nothing_idle(struct books *b, struct books_ticket *t, int ticket)
{
    if (t->wish == BOOKS_ASKING) {
        books_rule(b, ticket == b->now.ticket, "only the ticket that asks is served");
        if (t->size || t->limited)
            books_create_pool(b, t->key, t->size, t->limited, t->backlog);
    }
    books_rule(b, !b->keys[t->key].idle, "while a connection is idle, none is opened and nobody waits");
}

static void do_connect(struct books *b, int ticket)
{
    struct books_ticket *t = &b->tickets[ticket];
    come_to_nothing_idle(b, t, ticket);
    if (t->wish == BOOKS_ASKING)
        books_rule(b, !b->keys[t->key].waiting, "a newcomer does not overtake the line");
    else
        books_rule(b, books_is_first_in_line(b, t), "first come, first served");
    books_rule(b, !books_is_full(&b->keys[t->key]), "with a backlog, no more connections of a key than its size");
    b->stats.connects++;
    books_wish(b, t, BOOKS_CONNECTING);
}

static void do_wait(struct books *b, int ticket)
{
    struct books_ticket *t = &b->tickets[ticket];
    const struct books_key *k = &b->keys[t->key];
    come_to_nothing_idle(b, t, ticket);
    books_rule(b, t->wish == BOOKS_ASKING, "a ticket joins the line once");
    books_rule(b, books_is_full(k), "nobody waits while a place is free");
    books_rule(b, k->waiting < k->backlog, "no more tickets in line than the backlog");
    t->joined = ++b->order;
    books_wish(b, t, BOOKS_WAITING);
}

static void do_refuse(struct books *b, enum pool_reason reason, int ticket)
{
    struct books_ticket *t = &b->tickets[ticket];
    const struct books_key *k = &b->keys[t->key];
    if (reason == POOL_REASON_NO_MEMORY) {
        books_rule(b, b->now.memory_failed && b->now.ticket == ticket, "memory is said to be out only where it is");
    } else {
        come_to_nothing_idle(b, t, ticket);
        books_rule(b, reason == POOL_REASON_BACKLOG_FULL && t->wish == BOOKS_ASKING,
                   "a ticket that asks is refused, for a reason");
        books_rule(b, books_is_full(k) && k->waiting >= k->backlog, "nobody is refused while there is a place, or one in line");
    }
    if (t->wish == BOOKS_ASKING)
        books_wish(b, t, BOOKS_FREE);
}

void books_action(struct books *b, enum pool_action_type type, enum pool_reason reason, int ticket, int conn)
{
    bool has_ticket = type != POOL_DO_PARK && type != POOL_DO_CLOSE;
    bool has_conn = type != POOL_DO_CONNECT && type != POOL_DO_WAIT && type != POOL_DO_REFUSE;
    if (!books_rule(b, has_ticket == (ticket >= 0) && has_conn == (conn >= 0), "an action names what it is about, and no more") ||
        !books_rule(b, !has_ticket || b->tickets[ticket].wish != BOOKS_FREE || reason == POOL_REASON_NO_MEMORY,
                    "a ticket gets one answer"))
        return;
    switch (type) {
    case POOL_DO_CONNECT:
        do_connect(b, ticket);
        break;
    case POOL_DO_PROBE:
        do_probe(b, ticket, conn);
        break;
    case POOL_DO_WAIT:
        do_wait(b, ticket);
        break;
    case POOL_DO_REUSE:
        do_reuse(b, ticket, conn);
        break;
    case POOL_DO_REFUSE:
        do_refuse(b, reason, ticket);
        break;
    case POOL_DO_PARK:
        do_park(b, conn);
        break;
    case POOL_DO_CLOSE:
        do_close(b, reason, conn);
        break;
    }
}

/* --- what is owed ---------------------------------------------------------------------------------------------------------- */

static void settle_conn(struct books *b, int conn)
{
    const struct books_conn *c = &b->conns[conn];
    const struct books_event *e = &b->now;
    if (c->place == BOOKS_ABSENT)
        return;
    books_rule(b, c->place != BOOKS_RETURNING, "what is handed back is parked, handed on or closed");
    books_rule(b, c->place != BOOKS_PROBING, "what was looked at is handed out or closed");
    if (c->place != BOOKS_IDLE)
        return;
    books_rule(b, e->type != POOL_TICK || c->deadline_ns > e->now_ns, "a tick ends every connection that is due");
    books_rule(b, !b->stopping, "a pool that has stopped keeps nothing idle");
    books_rule(b, !is_about(b, POOL_READABLE, conn) || e->seen == POOL_SEEN_QUIET,
               "an idle connection found dirty or dead is closed");
}

static void settle_key(struct books *b, const struct books_key *k)
{
    books_rule(b, !k->waiting || (books_is_full(k) && !k->idle), "no waiter starves while a place is free");
    books_rule(b, k->waiting <= (k->sized ? k->backlog : 0), "no more tickets in line than the backlog");
}

void books_settle(struct books *b)
{
    if (b->now.memory_failed && b->now.type == POOL_CONNECTED)
        books_rule(b, b->conns[b->now.conn].place == BOOKS_ABSENT, "a connection that there is no memory for is closed");
    for (int i = 0; i < b->conn_count; i++)
        settle_conn(b, i);
    for (int i = 0; i < b->ticket_count; i++)
        books_rule(b, b->tickets[i].wish != BOOKS_ASKING, "each ticket is answered");
    for (int i = 0; i < b->key_count; i++)
        settle_key(b, &b->keys[i]);
}
