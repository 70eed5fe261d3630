#include "pool/pool_ev_private.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

/* --- answers -------------------------------------------------------------------------------------------------------------- */

static void on_tell(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct pool_ev *pe = timer->data;
    struct pool_link *link;
    (void)loop;
    (void)revents;
    while ((link = list_pop(&pe->to_tell))) {
        struct pool_ev_ticket *ticket = OF(link, struct pool_ev_ticket, list);
        ticket->done(ticket);
    }
}

/* --- watching ------------------------------------------------------------------------------------------------------ */

static void watch_as(struct pool_ev_conn *conn, bool idle)
{
    struct ev_loop *loop = conn->owner->loop;
    if (conn->at_idle_priority != idle) { /* libev takes a priority from stopped watchers only; the kernel is not asked again */
        ev_io_stop(loop, &conn->read);
        ev_set_priority(&conn->read, idle ? EV_MAXPRI : 0);
        conn->at_idle_priority = idle;
    }
    ev_io_start(loop, &conn->read);
}

static void set_expiry_timer(struct pool_ev *pe)
{
    uint64_t deadline = pool_deadline(pe->core);
    if (deadline >= pe->expiry_at_ns)
        return; /* a timer that comes too early finds nothing to do and is set anew: cheaper than moving it at each check-out */
    uint64_t now = clock_now_ns();
    double delay = deadline > now ? (double)(deadline - now) / 1e9 : 0;
    ev_timer_stop(pe->loop, &pe->expiry);
    ev_timer_set(&pe->expiry, delay, 0);
    ev_timer_start(pe->loop, &pe->expiry);
    pe->expiry_at_ns = deadline;
}

static void on_before_wait(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    struct pool_ev *pe = prepare->data;
    (void)loop;
    (void)revents;
    struct pool_link *link;
    while ((link = list_pop(&pe->to_watch)))
        watch_as(OF(link, struct pool_ev_conn, list), true);
    set_expiry_timer(pe);
}

static void on_after_wait(struct ev_loop *loop, ev_check *check, int revents)
{
    struct pool_ev *pe = check->data;
    (void)loop;
    (void)revents;
    pe->polled_ns = clock_now_ns();
}

/* --- doing what the core says ---------------------------------------------------------------------------------------- */

static enum pool_seen look(const struct pool_ev_conn *conn)
{
    int err;
    switch (net_look(conn->fd, &err)) {
    case NET_QUIET:
        return POOL_SEEN_QUIET;
    case NET_DATA:
        return POOL_SEEN_DATA;
    case NET_EOF:
        return POOL_SEEN_EOF;
    default:
        return POOL_SEEN_ERROR;
    }
}

void pool_ev_destroy(struct pool_ev_conn *conn)
{
    if (list_has(&conn->list))
        list_remove(&conn->list);
    ev_io_stop(conn->owner->loop, &conn->read);
    ev_io_stop(conn->owner->loop, &conn->write);
    net_end_fin(conn->fd);
    free(conn);
}

static void hand_out(struct pool_ev_ticket *ticket, struct pool_ev_conn *conn)
{
    if (list_has(&conn->list))
        list_remove(&conn->list);
    else
        watch_as(conn, false);
    pool_ev_finish(ticket, conn, 0);
}

static void refuse(struct pool_ev_ticket *ticket, enum pool_reason reason)
{
    if (reason == POOL_REASON_BACKLOG_FULL)
        ticket->why = "too many waiting connect operations";
    pool_ev_finish(ticket, NULL, reason == POOL_REASON_NO_MEMORY ? ENOMEM : EBUSY);
}

enum pool_reason pool_ev_handle(struct pool_ev *pe, struct pool_event event)
{
    enum pool_reason closed = POOL_REASON_NONE;
    struct pool_action action;

    event.now_ns = clock_now_ns();
    event.polled_ns = pe->polled_ns;
    pool_handle(pe->core, &event);
    while (pool_next_action(pe->core, &action)) {
        struct pool_ev_ticket *ticket = action.ticket ? OF(action.ticket, struct pool_ev_ticket, core) : NULL;
        struct pool_ev_conn *conn = action.conn ? OF(action.conn, struct pool_ev_conn, core) : NULL;
        switch (action.type) {
        case POOL_DO_CONNECT:
            list_append(&pe->to_start, &ticket->list);
            break;
        case POOL_DO_WAIT:
            pool_ev_start_timeout(ticket);
            break;
        case POOL_DO_PROBE:
            pool_ev_handle(pe, (struct pool_event){.type = POOL_PROBED, .ticket = &ticket->core, .conn = &conn->core,
                                           .seen = look(conn)});
            break;
        case POOL_DO_REUSE:
            hand_out(ticket, conn);
            break;
        case POOL_DO_REFUSE:
            refuse(ticket, action.reason);
            break;
        case POOL_DO_PARK:
            list_append(&pe->to_watch, &conn->list);
            break;
        case POOL_DO_CLOSE:
            if (action.conn == event.conn)
                closed = action.reason;
            pool_ev_destroy(conn);
            break;
        }
    }
    /* Only now, because a connect can succeed or fail at once, and that is an event of its own; and in one loop, not one inside
     * the other, because each that fails lets the next in line have its place. */
    struct pool_link *link;
    if (pe->starting)
        return closed;
    pe->starting = true;
    while ((link = list_pop(&pe->to_start)))
        pool_ev_start_connect(OF(link, struct pool_ev_ticket, list));
    pe->starting = false;
    return closed;
}

/* --- connections: readable, writable ----------------------------------------------------------------------------------- */

void pool_ev_pause_read(struct pool_ev_conn *conn)
{
    ev_io_stop(conn->owner->loop, &conn->read);
}

void pool_ev_on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    struct pool_ev_conn *conn = io->data;
    (void)loop;
    if (conn->core.state == POOL_CONN_IDLE)
        pool_ev_handle(conn->owner, (struct pool_event){.type = POOL_READABLE, .conn = &conn->core,
                                                .seen = revents & EV_ERROR ? POOL_SEEN_ERROR /* it cannot be watched */
                                                                           : look(conn)});
    else if (conn->on_io)
        conn->on_io(conn, revents & EV_READ);
    else
        pool_ev_pause_read(conn); /* its user is not reading now: do not be told again and again */
}

void pool_ev_on_writable(struct ev_loop *loop, ev_io *io, int revents)
{
    struct pool_ev_conn *conn = io->data;
    (void)loop;
    if (conn->on_io)
        conn->on_io(conn, revents & EV_WRITE);
}

void pool_ev_want_write(struct pool_ev_conn *conn, bool on)
{
    if (on)
        ev_io_start(conn->owner->loop, &conn->write);
    else
        ev_io_stop(conn->owner->loop, &conn->write);
}

void pool_ev_want_read(struct pool_ev_conn *conn, void (*on_io)(struct pool_ev_conn *conn, int revents), void *user)
{
    conn->on_io = on_io;
    conn->user = user;
    if (on_io)
        ev_io_start(conn->owner->loop, &conn->read);
}

/* --- the API ------------------------------------------------------------------------------------------------------------- */

enum pool_ev_result pool_ev_checkout(struct pool_ev *pe, struct pool_ev_ticket *ticket)
{
    ticket->owner = pe;
    ticket->conn = NULL;
    ticket->connecting = NULL;
    ticket->err = 0;
    ticket->why = NULL;
    ticket->connect_ns = 0;
    ticket->tried = 0;
    ticket->list.next = NULL;
    ev_init(&ticket->timeout, pool_ev_on_timeout);
    ev_set_priority(&ticket->timeout, EV_MINPRI); /* behind the I/O of the same iteration: what has arrived has not timed out */
    ticket->timeout.data = ticket;
    ticket->in_checkout = true;
    pool_ev_handle(pe, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &ticket->core, .key = ticket->key,
                                   .key_bytes = ticket->key_bytes, .size = ticket->pool_size, .limited = ticket->limited,
                                   .backlog = ticket->backlog});
    ticket->in_checkout = false;
    if (!pool_ev_is_finished(ticket))
        return POOL_EV_PENDING;
    return ticket->conn ? POOL_EV_READY : POOL_EV_FAILED;
}

void pool_ev_cancel(struct pool_ev_ticket *ticket)
{
    ev_timer_stop(ticket->owner->loop, &ticket->timeout);
    if (pool_ev_is_finished(ticket)) {
        if (list_has(&ticket->list))
            list_remove(&ticket->list);
        if (ticket->conn)
            pool_ev_discard(ticket->conn);
        return;
    }
    pool_ev_drop_attempt(ticket);
    pool_ev_handle(ticket->owner, (struct pool_event){.type = POOL_CANCEL, .ticket = &ticket->core});
}

enum pool_ev_checkin pool_ev_checkin(struct pool_ev_conn *conn, uint64_t idle_timeout_ns, unsigned size)
{
    struct pool_ev *pe = conn->owner;
    ev_io_stop(pe->loop, &conn->write);
    conn->on_io = NULL;
    conn->user = NULL;
    enum pool_reason closed = pool_ev_handle(pe, (struct pool_event){.type = POOL_CHECKIN, .conn = &conn->core, .seen = look(conn),
                                                             .idle_timeout_ns = idle_timeout_ns, .size = size});
    switch (closed) {
    case POOL_REASON_DUBIOUS:
        return POOL_EV_DUBIOUS;
    case POOL_REASON_PEER_CLOSED:
    case POOL_REASON_PEER_RESET:
        return POOL_EV_CLOSED;
    default:
        return POOL_EV_PARKED;
    }
}

void pool_ev_discard(struct pool_ev_conn *conn)
{
    pool_ev_handle(conn->owner, (struct pool_event){.type = POOL_DISCARD, .conn = &conn->core});
}

void pool_ev_stop(struct pool_ev *pe)
{
    pool_ev_handle(pe, (struct pool_event){.type = POOL_STOP});
}

const struct pool *pool_ev_core(const struct pool_ev *pe)
{
    return pe->core;
}

static void on_expiry(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct pool_ev *pe = timer->data;
    (void)loop;
    (void)revents;
    pe->expiry_at_ns = POOL_UNLIMITED;
    pool_ev_handle(pe, (struct pool_event){.type = POOL_TICK});
}

struct pool_ev *pool_ev_new(struct ev_loop *loop, const struct pool_config *config)
{
    struct pool_ev *pe = calloc(1, sizeof *pe);
    if (!pe)
        return NULL;
    pe->loop = loop;
    pe->expiry_at_ns = POOL_UNLIMITED;
    list_init(&pe->to_watch);
    list_init(&pe->to_start);
    list_init(&pe->to_tell);
    pe->core = pool_new(config);
    if (!pe->core) {
        free(pe);
        return NULL;
    }
    ev_prepare_init(&pe->before_wait, on_before_wait);
    ev_check_init(&pe->after_wait, on_after_wait);
    ev_set_priority(&pe->after_wait, EV_MAXPRI);
    ev_init(&pe->expiry, on_expiry);
    ev_init(&pe->tell, on_tell);
    pe->tell.data = pe->before_wait.data = pe->after_wait.data = pe->expiry.data = pe;
    ev_prepare_start(loop, &pe->before_wait);
    ev_check_start(loop, &pe->after_wait);
    ev_unref(loop); /* a pool alone keeps no loop running; its idle connections do */
    ev_unref(loop);
    return pe;
}

void pool_ev_free(struct pool_ev *pe)
{
    if (!pe)
        return;
    pool_ev_stop(pe);
    ev_timer_stop(pe->loop, &pe->expiry);
    ev_clear_pending(pe->loop, &pe->tell);
    ev_ref(pe->loop);
    ev_ref(pe->loop);
    ev_prepare_stop(pe->loop, &pe->before_wait);
    ev_check_stop(pe->loop, &pe->after_wait);
    pool_free(pe->core);
    free(pe);
}
