#include "pool/list.h"
#include "pool/pool_private.h"

#include <assert.h>
#include <stdlib.h>

/* --- the queue of actions ----------------------------------------------------------------------------------------- */

static void push(struct pool *pool, struct pool_todo *todo, struct pool_action action)
{
    todo->action = action;
    list_append(&pool->todo, &todo->link);
}

static void do_conn(struct pool *pool, enum pool_action_type type, struct pool_conn *conn, enum pool_reason reason)
{
    push(pool, &conn->todo, (struct pool_action){.type = type, .conn = conn, .reason = reason});
}

static void do_ticket(struct pool *pool, enum pool_action_type type, struct pool_ticket *ticket, struct pool_conn *conn,
                      enum pool_reason reason)
{
    push(pool, &ticket->todo, (struct pool_action){.type = type, .ticket = ticket, .conn = conn, .reason = reason});
}

bool pool_next_action(struct pool *pool, struct pool_action *action)
{
    struct pool_link *first = list_pop(&pool->todo);
    if (first)
        *action = OF(first, struct pool_todo, link)->action;
    return first != NULL;
}

/* --- pools ------------------------------------------------------------------------------------------------------------- */

/* Whoever creates the pool decides: the size is fixed while it lives. */
static void create_pool(const struct pool *pool, struct pool_origin *o, unsigned size, bool limited, unsigned backlog)
{
    if (o->sized)
        return;
    o->sized = true;
    o->size = size ? size : pool->config.size;
    o->limited = limited;
    o->backlog = backlog;
}

/* A pool is gone, and its size with it, once none of its own is left; the key is forgotten with the last connection. */
static void let_go_of_origin(struct pool *pool, struct pool_origin *o)
{
    o->sized = o->sized && o->members;
    if (o->idle || o->in_use || o->connecting || o->waiting)
        return;
    keys_forget(&pool->keys, o);
}

/* --- what becomes of a connection ------------------------------------------------------------------------------------ */

static void leave_idle(struct pool *pool, struct pool_conn *conn)
{
    list_remove(&conn->idle);
    deadlines_remove(&pool->deadlines, conn);
    conn->origin->idle--;
    pool->stats.idle--;
}

static void enter_use(struct pool *pool, struct pool_conn *conn)
{
    conn->state = POOL_CONN_IN_USE;
    conn->origin->in_use++;
    pool->stats.in_use++;
}

static void leave_use(struct pool *pool, struct pool_conn *conn)
{
    assert(conn->state == POOL_CONN_IN_USE);
    conn->origin->in_use--;
    pool->stats.in_use--;
}

/* The one way out: `conn` is in no list and no count but `members` and `live`. */
static void end(struct pool *pool, struct pool_conn *conn, enum pool_reason reason)
{
    conn->origin->members -= conn->member;
    conn->origin = NULL;
    conn->state = POOL_CONN_NEW;
    pool->live--;
    pool->stats.closed[reason]++;
    do_conn(pool, POOL_DO_CLOSE, conn, reason);
}

static void end_idle(struct pool *pool, struct pool_conn *conn, enum pool_reason reason)
{
    leave_idle(pool, conn);
    end(pool, conn, reason);
}

static enum pool_reason reason_of(enum pool_seen seen, enum pool_reason if_data)
{
    switch (seen) {
    case POOL_SEEN_QUIET:
        return POOL_REASON_NONE;
    case POOL_SEEN_DATA:
        return if_data;
    case POOL_SEEN_EOF:
        return POOL_REASON_PEER_CLOSED;
    default:
        return POOL_REASON_PEER_RESET;
    }
}

static struct pool_conn *oldest(const struct pool_origin *o)
{
    return OF(o->idle_list.next, struct pool_conn, idle);
}

static struct pool_conn *newest(const struct pool_origin *o)
{
    return OF(o->idle_list.prev, struct pool_conn, idle);
}

static void reuse(struct pool *pool, struct pool_ticket *ticket, struct pool_conn *conn)
{
    enter_use(pool, conn);
    ticket->state = POOL_TICKET_FREE;
    conn->reused++;
    pool->stats.reuses++;
    do_ticket(pool, POOL_DO_REUSE, ticket, conn, POOL_REASON_NONE);
}

static void connect_new(struct pool *pool, struct pool_ticket *ticket)
{
    struct pool_origin *o = ticket->origin;
    ticket->state = POOL_TICKET_CONNECTING;
    ticket->member = o->sized;
    o->members += ticket->member;
    o->connecting++;
    pool->stats.connecting++;
    pool->stats.connects++;
    do_ticket(pool, POOL_DO_CONNECT, ticket, NULL, POOL_REASON_NONE);
}

/* --- the line of a limited pool ---------------------------------------------------------------------------------------------- */

static unsigned total(const struct pool_origin *o)
{
    return o->idle + o->in_use + o->connecting;
}

static bool is_full(const struct pool_origin *o)
{
    return o->sized && o->limited && total(o) >= o->size;
}

static void leave_line(struct pool *pool, struct pool_ticket *ticket)
{
    list_remove(&ticket->line);
    ticket->state = POOL_TICKET_FREE;
    ticket->origin->waiting--;
    ticket->origin->members--;
    pool->stats.waiting--;
}

static void wait_in_line(struct pool *pool, struct pool_ticket *ticket)
{
    struct pool_origin *o = ticket->origin;
    if (o->waiting >= o->backlog) {
        do_ticket(pool, POOL_DO_REFUSE, ticket, NULL, POOL_REASON_BACKLOG_FULL);
        let_go_of_origin(pool, o);
        return;
    }
    ticket->state = POOL_TICKET_WAITING;
    list_append(&o->line, &ticket->line);
    o->waiting++;
    o->members++; /* who waits for a pool keeps it alive */
    pool->stats.waiting++;
    do_ticket(pool, POOL_DO_WAIT, ticket, NULL, POOL_REASON_NONE);
}

static struct pool_ticket *next_in_line(struct pool *pool, const struct pool_origin *o)
{
    struct pool_ticket *ticket = OF(o->line.next, struct pool_ticket, line);
    leave_line(pool, ticket);
    return ticket;
}

/* A place has become free: the first in line has it, before any newcomer; else what is no longer needed is forgotten. */
static void place_freed(struct pool *pool, struct pool_origin *o)
{
    while (o->waiting && !is_full(o))
        connect_new(pool, next_in_line(pool, o));
    let_go_of_origin(pool, o);
}

/* --- serving a ticket ---------------------------------------------------------------------------------------------------------- */

/* Since its last look, the loop's or ours, nobody can know what has come in: an application that was busy for longer than the
 * network's own uncertainty makes us look before the connection is handed out. */
static bool must_look(const struct pool *pool, const struct pool_conn *conn, const struct pool_ticket *ticket, uint64_t now_ns)
{
    uint64_t last = conn->looked_at_ns > ticket->polled_ns ? conn->looked_at_ns : ticket->polled_ns;
    return now_ns - last > pool->config.look_again_ns;
}

/* Serves a ticket with the most recently returned connection that is not known to be dead, or else with a new one. */
static void serve(struct pool *pool, struct pool_ticket *ticket, uint64_t now_ns)
{
    struct pool_origin *o = ticket->origin;
    while (o->idle) {
        struct pool_conn *conn = newest(o);
        if (conn->deadline_ns <= now_ns) {
            end_idle(pool, conn, POOL_REASON_EXPIRED);
            continue;
        }
        leave_idle(pool, conn);
        if (!must_look(pool, conn, ticket, now_ns)) {
            reuse(pool, ticket, conn);
            return;
        }
        conn->state = POOL_CONN_PROBING;
        pool->stats.probes++;
        do_ticket(pool, POOL_DO_PROBE, ticket, conn, POOL_REASON_NONE);
        return;
    }
    o->sized = o->sized && o->members; /* the last idle one may just have turned out dead, and the pool is gone with it */
    if (ticket->size || ticket->limited)
        create_pool(pool, o, ticket->size, ticket->limited, ticket->backlog);
    if (is_full(o))
        wait_in_line(pool, ticket);
    else
        connect_new(pool, ticket);
}

/* --- events ------------------------------------------------------------------------------------------------------------ */

static void checkout(struct pool *pool, const struct pool_event *e)
{
    struct pool_ticket *ticket = e->ticket;
    ticket->polled_ns = e->polled_ns;
    ticket->state = POOL_TICKET_FREE;
    ticket->origin = keys_origin(&pool->keys, e->key, e->key_bytes);
    if (!ticket->origin) {
        do_ticket(pool, POOL_DO_REFUSE, ticket, NULL, POOL_REASON_NO_MEMORY);
        return;
    }
    ticket->size = e->size;
    ticket->limited = e->limited;
    ticket->backlog = e->backlog;
    serve(pool, ticket, e->now_ns);
}

static void probed(struct pool *pool, const struct pool_event *e)
{
    struct pool_conn *conn = e->conn;
    assert(conn->state == POOL_CONN_PROBING);
    enum pool_reason reason = reason_of(e->seen, POOL_REASON_STRAY);
    conn->looked_at_ns = e->now_ns;
    if (reason == POOL_REASON_NONE && conn->deadline_ns <= e->now_ns)
        reason = POOL_REASON_EXPIRED; /* since the check-out began */
    if (reason == POOL_REASON_NONE) {
        reuse(pool, e->ticket, conn);
        return;
    }
    end(pool, conn, reason);
    serve(pool, e->ticket, e->now_ns);
}

static void stop_connecting(struct pool *pool, struct pool_ticket *ticket)
{
    ticket->state = POOL_TICKET_FREE;
    ticket->origin->connecting--;
    pool->stats.connecting--;
}

static void connected(struct pool *pool, const struct pool_event *e)
{
    struct pool_conn *conn = e->conn;
    struct pool_origin *o = e->ticket->origin;
    stop_connecting(pool, e->ticket);
    conn->origin = o;
    conn->member = e->ticket->member;
    conn->heap_at = 0;
    conn->reused = 0;
    pool->live++;
    if (!deadlines_reserve(&pool->deadlines, pool->live)) {
        do_ticket(pool, POOL_DO_REFUSE, e->ticket, NULL, POOL_REASON_NO_MEMORY);
        end(pool, conn, POOL_REASON_NO_MEMORY);
        place_freed(pool, o);
        return;
    }
    enter_use(pool, conn);
}

static void connect_failed(struct pool *pool, struct pool_ticket *ticket)
{
    struct pool_origin *o = ticket->origin;
    stop_connecting(pool, ticket);
    o->members -= ticket->member;
    place_freed(pool, o);
}

static void cancel(struct pool *pool, struct pool_ticket *ticket)
{
    struct pool_origin *o = ticket->origin;
    if (ticket->state == POOL_TICKET_CONNECTING) {
        connect_failed(pool, ticket);
        return;
    }
    assert(ticket->state == POOL_TICKET_WAITING);
    leave_line(pool, ticket);
    let_go_of_origin(pool, o);
}

static void park(struct pool *pool, struct pool_conn *conn, const struct pool_event *e)
{
    struct pool_origin *o = conn->origin;
    uint64_t timeout = e->idle_timeout_ns ? e->idle_timeout_ns : pool->config.idle_timeout_ns;

    if (o->idle >= o->size)
        end_idle(pool, oldest(o), POOL_REASON_EVICTED);
    conn->state = POOL_CONN_IDLE;
    conn->looked_at_ns = e->now_ns;
    conn->deadline_ns = timeout > POOL_UNLIMITED - e->now_ns ? POOL_UNLIMITED : e->now_ns + timeout;
    list_append(&o->idle_list, &conn->idle);
    o->idle++;
    pool->stats.idle++;
    deadlines_add(&pool->deadlines, conn);
    do_conn(pool, POOL_DO_PARK, conn, POOL_REASON_NONE);
}

/* Why the pool does not take a connection back. One that is refused evicts nobody: it is judged before room is made for it. */
static enum pool_reason why_not(const struct pool *pool, const struct pool_origin *o, enum pool_seen seen)
{
    enum pool_reason reason = reason_of(seen, POOL_REASON_DUBIOUS);
    if (reason == POOL_REASON_NONE && pool->stopping)
        return POOL_REASON_STOPPING;
    /* Opened before the pool was: the limit holds for it, too. */
    if (reason == POOL_REASON_NONE && o->sized && o->limited && total(o) > o->size)
        return POOL_REASON_OVER_LIMIT;
    return reason;
}

static void checkin(struct pool *pool, const struct pool_event *e)
{
    struct pool_conn *conn = e->conn;
    struct pool_origin *o = conn->origin;
    enum pool_reason reason = why_not(pool, o, e->seen);

    leave_use(pool, conn);
    pool->stats.checkins++;
    if (reason != POOL_REASON_NONE) {
        end(pool, conn, reason);
        place_freed(pool, o);
        return;
    }
    create_pool(pool, o, e->size, false, 0);
    o->members += !conn->member;
    conn->member = true;
    if (o->waiting)
        reuse(pool, next_in_line(pool, o), conn);
    else
        park(pool, conn, e);
}

static void discard(struct pool *pool, struct pool_conn *conn)
{
    struct pool_origin *o = conn->origin;
    leave_use(pool, conn);
    end(pool, conn, POOL_REASON_DISCARDED);
    place_freed(pool, o);
}

static void readable(struct pool *pool, const struct pool_event *e)
{
    struct pool_origin *o = e->conn->origin;
    assert(e->conn->state == POOL_CONN_IDLE);
    enum pool_reason reason = reason_of(e->seen, POOL_REASON_STRAY);
    if (reason == POOL_REASON_NONE)
        return;
    end_idle(pool, e->conn, reason);
    let_go_of_origin(pool, o);
}

static void tick(struct pool *pool, uint64_t now_ns)
{
    struct pool_conn *conn;
    while ((conn = deadlines_first(&pool->deadlines)) && conn->deadline_ns <= now_ns) {
        struct pool_origin *o = conn->origin;
        end_idle(pool, conn, POOL_REASON_EXPIRED);
        let_go_of_origin(pool, o);
    }
}

static void stop(struct pool *pool)
{
    pool->stopping = true;
    for (struct pool_origin *o = keys_next(&pool->keys, NULL), *next; o; o = next) {
        next = keys_next(&pool->keys, o);
        while (o->idle)
            end_idle(pool, oldest(o), POOL_REASON_STOPPING);
        let_go_of_origin(pool, o);
    }
}

void pool_handle(struct pool *pool, const struct pool_event *event)
{
    assert(pool->todo.next == &pool->todo); /* the actions of the last event have all been taken */
    switch (event->type) {
    case POOL_CHECKOUT:
        checkout(pool, event);
        break;
    case POOL_PROBED:
        probed(pool, event);
        break;
    case POOL_CONNECTED:
        connected(pool, event);
        break;
    case POOL_CONNECT_FAILED:
        pool->stats.connect_failures++;
        connect_failed(pool, event->ticket);
        break;
    case POOL_CANCEL:
        cancel(pool, event->ticket);
        break;
    case POOL_CHECKIN:
        checkin(pool, event);
        break;
    case POOL_DISCARD:
        discard(pool, event->conn);
        break;
    case POOL_READABLE:
        readable(pool, event);
        break;
    case POOL_TICK:
        tick(pool, event->now_ns);
        break;
    case POOL_STOP:
        stop(pool);
        break;
    }
}

/* --- making --------------------------------------------------------------------------------------------------- */

struct pool *pool_new(const struct pool_config *config)
{
    struct pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->config = *config;
    list_init(&pool->todo);
    if (!keys_init(&pool->keys)) {
        free(pool);
        return NULL;
    }
    return pool;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    keys_free(&pool->keys);
    deadlines_free(&pool->deadlines);
    free(pool);
}
