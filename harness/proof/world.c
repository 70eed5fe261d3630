#include "proof/world.h"

#include "proof/alloc.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define START_NS 1000000000u
#define MEMORY_ALWAYS 2048 /* bytes */
#define MEMORY_EACH 256
#define ACTIONS_MAX 1000 /* that can follow from one event */

bool world_open(struct world *w, const struct world_config *config)
{
    alloc_fail(0, 0);
    memset(w->conns, 0, (size_t)config->conns * sizeof *w->conns);
    memset(w->tickets, 0, (size_t)config->tickets * sizeof *w->tickets);
    w->config = *config;
    w->events = 0;
    w->stopped = false;
    w->now_ns = w->polled_ns = START_NS;
    w->blocks_before = alloc_live();
    w->bytes_before = alloc_live_bytes();
    books_init(&w->books, &config->pool, config->conns, config->tickets, config->keys);
    w->pool = pool_new(&config->pool);
    return w->pool != NULL;
}

/* --- sockets --------------------------------------------------------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t later_by(uint64_t t, uint64_t ns)
{
    return t + ns < t ? WORLD_NEVER - 1 : t + ns;
}

uint64_t world_readable_since(const struct world *w, int conn)
{
    const struct world_socket *s = &w->sockets[conn];
    return earlier(s->data_ns, earlier(s->eof_ns, s->error_ns));
}

static enum pool_seen look(const struct world *w, int conn)
{
    const struct world_socket *s = &w->sockets[conn];
    if (s->error_ns <= w->now_ns)
        return POOL_SEEN_ERROR;
    if (s->data_ns <= w->now_ns)
        return POOL_SEEN_DATA;
    return s->eof_ns <= w->now_ns ? POOL_SEEN_EOF : POOL_SEEN_QUIET;
}

/* Things arrive in the order in which they were sent; behind its end a peer says nothing. */
static void misbehave(struct world_socket *s, enum world_op_kind kind, uint64_t at_ns)
{
    if (s->eof_ns != WORLD_NEVER || s->error_ns != WORLD_NEVER)
        return;
    if (kind == WORLD_PEER_SENDS)
        s->data_ns = earlier(s->data_ns, at_ns);
    else if (kind == WORLD_PEER_FIN)
        s->eof_ns = s->data_ns != WORLD_NEVER && s->data_ns > at_ns ? s->data_ns : at_ns;
    else
        s->error_ns = at_ns;
}

/* --- the binding ----------------------------------------------------------------------------------------------------------- */

static int conn_number(const struct world *w, const struct pool_conn *conn)
{
    return conn ? (int)(conn - w->conns) : BOOKS_NOBODY;
}

static int ticket_number(const struct world *w, const struct pool_ticket *ticket)
{
    return ticket ? (int)(ticket - w->tickets) : BOOKS_NOBODY;
}

static void trace_action(const struct world *w, const struct pool_action *action)
{
    static const char *const what[] = {
        [POOL_DO_CONNECT] = "connect", [POOL_DO_PROBE] = "look", [POOL_DO_WAIT] = "wait", [POOL_DO_REUSE] = "reuse",
        [POOL_DO_REFUSE] = "refuse", [POOL_DO_PARK] = "park", [POOL_DO_CLOSE] = "close"};
    fprintf(w->trace, "        -> %s", what[action->type]);
    if (action->ticket)
        fprintf(w->trace, " ticket %d", ticket_number(w, action->ticket));
    if (action->conn)
        fprintf(w->trace, " conn %d", conn_number(w, action->conn));
    if (action->reason)
        fprintf(w->trace, ": %s", pool_reason_text(action->reason));
    fputc('\n', w->trace);
}

/* What its owner may free by now is overwritten, so that a core that still looks at it stumbles. Half of the tickets are not,
 * since they may also be used again as they are. */
static void let_go_of_conn(struct world *w, int conn)
{
    memset(&w->conns[conn], 0xa5, sizeof w->conns[conn]);
    w->conns[conn].state = POOL_CONN_NEW;
}

static void let_go_of_ticket(struct world *w, int ticket)
{
    if (ticket < 0 || ticket % 2 == 0 || w->tickets[ticket].state != POOL_TICKET_FREE)
        return;
    memset(&w->tickets[ticket], 0xa5, sizeof w->tickets[ticket]);
    w->tickets[ticket].state = POOL_TICKET_FREE;
}

static void hand_out(struct world *w, int conn)
{
    uint64_t since = world_readable_since(w, conn);
    books_rule(&w->books, since > w->now_ns || w->now_ns - since <= w->config.pool.look_again_ns,
               "what has been dirty or dead for longer than a look counts is never handed out");
}

static void handle(struct world *w, struct books_event e);

static void act(struct world *w, const struct pool_action *action)
{
    int ticket = ticket_number(w, action->ticket), conn = conn_number(w, action->conn);
    if (w->trace)
        trace_action(w, action);
    if (!books_rule(&w->books, ticket < w->config.tickets && conn < w->config.conns, "the core knows only what it was told of"))
        return;
    books_action(&w->books, action->type, action->reason, ticket, conn);
    if (w->books.broken)
        return;
    if (action->type == POOL_DO_REUSE || action->type == POOL_DO_REFUSE)
        let_go_of_ticket(w, ticket);
    if (action->type == POOL_DO_REUSE)
        hand_out(w, conn);
    else if (action->type == POOL_DO_CLOSE)
        let_go_of_conn(w, conn);
    else if (action->type == POOL_DO_PROBE) {
        w->now_ns = later_by(w->now_ns, w->look_ns);
        handle(w, (struct books_event){.type = POOL_PROBED, .ticket = ticket, .conn = conn, .seen = look(w, conn)});
    }
}

/* Gives an event to the core and to the books, and does what follows from it. */
static void handle(struct world *w, struct books_event e)
{
    struct pool_action action;
    unsigned long failures = alloc_failures();
    unsigned actions = 0;

    e.now_ns = w->now_ns;
    e.polled_ns = w->polled_ns;
    struct pool_event event = {
        .type = e.type, .now_ns = e.now_ns, .polled_ns = e.polled_ns, .seen = e.seen,
        .ticket = e.ticket >= 0 ? &w->tickets[e.ticket] : NULL, .conn = e.conn >= 0 ? &w->conns[e.conn] : NULL,
        .idle_timeout_ns = e.idle_timeout_ns, .size = e.size, .limited = e.limited, .backlog = e.backlog};
    if (e.type == POOL_CHECKOUT)
        event.key = books_key_text(e.key, &event.key_bytes);
    w->events++;
    books_event(&w->books, &e);
    pool_handle(w->pool, &event);
    w->books.now.memory_failed = alloc_failures() > failures;
    while (!w->books.broken && pool_next_action(w->pool, &action)) {
        act(w, &action);
        books_rule(&w->books, ++actions < ACTIONS_MAX, "an event has an end");
    }
    if (e.type == POOL_CONNECTED || e.type == POOL_CONNECT_FAILED || e.type == POOL_CANCEL)
        let_go_of_ticket(w, e.ticket);
}

static void deliver(struct world *w, struct books_event e)
{
    if (w->books.broken)
        return;
    handle(w, e);
    if (w->books.broken)
        return;
    books_settle(&w->books);
    books_audit(&w->books, w->pool, w->conns, w->tickets);
}

/* --- the loop -------------------------------------------------------------------------------------------------------------- */

static void tell_readable(struct world *w, bool spuriously)
{
    for (int i = 0; i < w->config.conns; i++)
        if (w->books.conns[i].place == BOOKS_IDLE && (spuriously || world_readable_since(w, i) <= w->now_ns))
            deliver(w, (struct books_event){.type = POOL_READABLE, .ticket = BOOKS_NOBODY, .conn = i, .seen = look(w, i)});
}

static void tick(struct world *w)
{
    deliver(w, (struct books_event){.type = POOL_TICK, .ticket = BOOKS_NOBODY, .conn = BOOKS_NOBODY});
}

/* Waits for the first thing that the loop was asked to watch. Idle connections come before the timer, as in the binding. */
static void poll_loop(struct world *w, uint64_t longest_ns)
{
    uint64_t until = earlier(later_by(w->now_ns, longest_ns), pool_deadline(w->pool));
    for (int i = 0; i < w->config.conns; i++)
        if (w->books.conns[i].place == BOOKS_IDLE)
            until = earlier(until, world_readable_since(w, i));
    w->now_ns = until > w->now_ns ? until : w->now_ns;
    w->polled_ns = w->now_ns;
    tell_readable(w, false);
    if (!w->books.broken && pool_deadline(w->pool) <= w->now_ns)
        tick(w);
}

/* --- operations ------------------------------------------------------------------------------------------------------------ */

static bool is_wish(const struct world *w, const struct world_op *op, enum books_wish wish)
{
    return w->books.tickets[op->ticket].wish == wish;
}

static bool is_place(const struct world *w, const struct world_op *op, enum books_place place)
{
    return w->books.conns[op->conn].place == place;
}

bool world_can(const struct world *w, const struct world_op *op)
{
    switch (op->kind) {
    case WORLD_CHECKOUT:
        return is_wish(w, op, BOOKS_FREE);
    case WORLD_CONNECTED:
        return is_wish(w, op, BOOKS_CONNECTING) && is_place(w, op, BOOKS_ABSENT);
    case WORLD_CONNECT_FAILED:
        return is_wish(w, op, BOOKS_CONNECTING);
    case WORLD_CANCEL:
        return !is_wish(w, op, BOOKS_FREE);
    case WORLD_CHECKIN:
    case WORLD_DISCARD:
    case WORLD_READ:
        return is_place(w, op, BOOKS_IN_USE);
    case WORLD_PEER_SENDS:
    case WORLD_PEER_FIN:
    case WORLD_PEER_RESET:
        return !is_place(w, op, BOOKS_ABSENT);
    case WORLD_STOP:
        return !w->stopped;
    default:
        return true;
    }
}

static void read_socket(struct world_socket *s, uint64_t now_ns)
{
    if (s->data_ns <= now_ns)
        s->data_ns = WORLD_NEVER;
}

static void tell_core(struct world *w, const struct world_op *op)
{
    static const enum pool_event_type event_of[] = {
        [WORLD_CHECKOUT] = POOL_CHECKOUT, [WORLD_CONNECTED] = POOL_CONNECTED, [WORLD_CONNECT_FAILED] = POOL_CONNECT_FAILED,
        [WORLD_CANCEL] = POOL_CANCEL, [WORLD_CHECKIN] = POOL_CHECKIN, [WORLD_DISCARD] = POOL_DISCARD, [WORLD_STOP] = POOL_STOP};
    bool of_conn = op->kind == WORLD_CONNECTED || op->kind == WORLD_CHECKIN || op->kind == WORLD_DISCARD;
    bool of_ticket = op->kind <= WORLD_CANCEL;
    w->look_ns = op->kind == WORLD_CHECKOUT ? op->delay_ns : 0;
    if (op->kind == WORLD_CHECKOUT && op->ticket % 2)
        w->tickets[op->ticket] = (struct pool_ticket){0};
    if (op->kind == WORLD_CONNECTED) {
        w->conns[op->conn] = (struct pool_conn){0};
        w->sockets[op->conn] = (struct world_socket){WORLD_NEVER, WORLD_NEVER, WORLD_NEVER};
    }
    alloc_fail(op->starve, UINT_MAX);
    deliver(w, (struct books_event){
        .type = event_of[op->kind], .ticket = of_ticket ? op->ticket : BOOKS_NOBODY, .conn = of_conn ? op->conn : BOOKS_NOBODY,
        .key = op->key, .seen = op->kind == WORLD_CHECKIN ? look(w, op->conn) : POOL_SEEN_QUIET,
        .idle_timeout_ns = op->timeout_ns, .size = op->size, .limited = op->limited, .backlog = op->backlog});
    alloc_fail(0, 0);
}

const char *world_do(struct world *w, const struct world_op *op)
{
    w->now_ns = later_by(w->now_ns, op->busy_ns);
    if (!world_can(w, op))
        return w->books.broken;
    if (w->trace) {
        fprintf(w->trace, "%14" PRIu64 "ns  ", w->now_ns - START_NS);
        world_print(w->trace, op);
        fputc('\n', w->trace);
    }
    switch (op->kind) {
    case WORLD_READ:
        read_socket(&w->sockets[op->conn], w->now_ns);
        break;
    case WORLD_PEER_SENDS:
    case WORLD_PEER_FIN:
    case WORLD_PEER_RESET:
        misbehave(&w->sockets[op->conn], op->kind, later_by(w->now_ns, op->delay_ns));
        break;
    case WORLD_POLL:
        poll_loop(w, op->delay_ns);
        break;
    case WORLD_SPURIOUS:
        tell_readable(w, true);
        tick(w);
        break;
    case WORLD_BUSY:
        break;
    case WORLD_STOP:
        w->stopped = true;
        tell_core(w, op);
        break;
    default:
        tell_core(w, op);
    }
    return w->books.broken;
}

/* --- the end --------------------------------------------------------------------------------------------------------------- */

const char *world_drain(struct world *w)
{
    for (int i = 0; i < w->config.tickets && !w->books.broken; i++)
        world_do(w, &(struct world_op){.kind = WORLD_CANCEL, .ticket = i});
    for (int i = 0; i < w->config.conns && !w->books.broken; i++)
        world_do(w, &(struct world_op){.kind = WORLD_DISCARD, .conn = i});
    if (!w->books.broken)
        world_do(w, &(struct world_op){.kind = WORLD_STOP});
    for (int i = 0; i < w->config.conns; i++)
        books_rule(&w->books, w->books.conns[i].place == BOOKS_ABSENT, "every connection is closed in the end");
    return w->books.broken;
}

const char *world_close(struct world *w)
{
    if (!w->books.broken) {
        long held = alloc_live_bytes() - w->bytes_before;
        pool_free(w->pool);
        books_rule(&w->books, alloc_live() == w->blocks_before, "pool_free leaves no memory behind");
        books_rule(&w->books, held <= MEMORY_ALWAYS + MEMORY_EACH * (w->config.conns + w->config.keys),
                   "memory stays in proportion to what the pool holds");
    }
    w->pool = NULL;
    return w->books.broken;
}

void world_print(FILE *out, const struct world_op *op)
{
    static const char *const name[WORLD_OPS] = {
        "checkout", "connected", "connect-failed", "cancel", "checkin", "discard", "read", "peer-sends", "peer-fin",
        "peer-reset", "poll", "spurious", "busy", "stop"};
    fprintf(out, "+%" PRIu64 "ns %s", op->busy_ns, name[op->kind]);
    if (op->kind <= WORLD_CANCEL)
        fprintf(out, " ticket %d", op->ticket);
    if (op->kind == WORLD_CONNECTED || (op->kind >= WORLD_CHECKIN && op->kind <= WORLD_PEER_RESET))
        fprintf(out, " conn %d", op->conn);
    size_t bytes;
    if (op->kind == WORLD_CHECKOUT)
        fprintf(out, " key %s", books_key_text(op->key, &bytes));
    if (op->timeout_ns == POOL_UNLIMITED)
        fprintf(out, " unlimited");
    else if (op->timeout_ns)
        fprintf(out, " timeout %" PRIu64 "ns", op->timeout_ns);
    if (op->size)
        fprintf(out, " size %u", op->size);
    if (op->limited)
        fprintf(out, " backlog %u", op->backlog);
    if (op->delay_ns)
        fprintf(out, " %s %" PRIu64 "ns", op->kind == WORLD_POLL ? "up to" : op->kind == WORLD_CHECKOUT ? "each look" : "shown after",
                op->delay_ns);
    if (op->starve)
        fprintf(out, " starving from allocation %u", op->starve);
}
