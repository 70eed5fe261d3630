#include "pool/pool_ev.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

struct pool_ev {
    struct ev_loop *loop;
    struct pool *core;
    struct pool_link to_watch; /* parked in this turn; most are checked out again before the loop ever waits */
    ev_prepare before_wait;
    ev_check after_wait;
    uint64_t polled_ns;        /* when the loop last collected events; ev_now has another clock */
    ev_timer expiry;
    uint64_t expiry_at_ns;     /* what the timer is set to; POOL_UNLIMITED: not running */
};

#define OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

static void finish(struct pool_ev_ticket *ticket, struct pool_ev_conn *conn, int err)
{
    ticket->conn = conn;
    ticket->err = err;
}

static bool is_finished(const struct pool_ev_ticket *ticket)
{
    return ticket->conn || ticket->err;
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

static bool waits_to_be_watched(const struct pool_ev_conn *conn)
{
    return conn->list.next != NULL;
}

static void watch_later(struct pool_ev *pe, struct pool_ev_conn *conn)
{
    struct pool_link *head = &pe->to_watch;
    conn->list = (struct pool_link){.prev = head->prev, .next = head};
    head->prev->next = &conn->list;
    head->prev = &conn->list;
}

static void watch_no_more(struct pool_ev_conn *conn)
{
    if (!waits_to_be_watched(conn))
        return;
    conn->list.prev->next = conn->list.next;
    conn->list.next->prev = conn->list.prev;
    conn->list.next = NULL;
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
    while (pe->to_watch.next != &pe->to_watch) {
        struct pool_ev_conn *conn = OF(pe->to_watch.next, struct pool_ev_conn, list);
        watch_no_more(conn);
        watch_as(conn, true);
    }
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

static void destroy(struct pool_ev_conn *conn)
{
    watch_no_more(conn);
    ev_io_stop(conn->owner->loop, &conn->read);
    ev_io_stop(conn->owner->loop, &conn->write);
    net_end_fin(conn->fd);
    free(conn);
}

static void start_connect(struct pool_ev *pe, struct pool_ev_ticket *ticket);

static void hand_out(struct pool_ev_ticket *ticket, struct pool_ev_conn *conn)
{
    bool was_watched = !waits_to_be_watched(conn);
    watch_no_more(conn);
    if (was_watched)
        watch_as(conn, false);
    finish(ticket, conn, 0);
}

static int errno_of(enum pool_reason reason)
{
    return reason == POOL_REASON_NO_MEMORY ? ENOMEM : ECANCELED;
}

/* Handles an event and everything that follows from it. The reason of the last close is what a check-in asks for. */
static enum pool_reason handle(struct pool_ev *pe, struct pool_event event)
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
            start_connect(pe, ticket);
            break;
        case POOL_DO_PROBE:
            handle(pe, (struct pool_event){.type = POOL_PROBED, .ticket = &ticket->core, .conn = &conn->core,
                                           .seen = look(conn)});
            break;
        case POOL_DO_REUSE:
            hand_out(ticket, conn);
            break;
        case POOL_DO_REFUSE:
            finish(ticket, NULL, errno_of(action.reason));
            break;
        case POOL_DO_PARK:
            watch_later(pe, conn);
            break;
        case POOL_DO_CLOSE:
            if (action.conn == event.conn)
                closed = action.reason;
            destroy(conn);
            break;
        }
    }
    return closed;
}

/* --- connections: readable, writable ----------------------------------------------------------------------------------- */

void pool_ev_pause_read(struct pool_ev_conn *conn)
{
    ev_io_stop(conn->owner->loop, &conn->read);
}

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    struct pool_ev_conn *conn = io->data;
    (void)loop;
    if (conn->core.state == POOL_CONN_IDLE)
        handle(conn->owner, (struct pool_event){.type = POOL_READABLE, .conn = &conn->core, .seen = look(conn)});
    else if (conn->on_io)
        conn->on_io(conn, revents & EV_READ);
    else
        pool_ev_pause_read(conn); /* its user is not reading now: do not be told again and again */
}

static void on_writable(struct ev_loop *loop, ev_io *io, int revents)
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

/* --- connecting ---------------------------------------------------------------------------------------------------------- */

static void connect_failed(struct pool_ev_ticket *ticket, int err)
{
    handle(ticket->owner, (struct pool_event){.type = POOL_CONNECT_FAILED, .ticket = &ticket->core});
    finish(ticket, NULL, err);
}

static void connect_done(struct pool_ev_ticket *ticket, struct pool_ev_conn *conn)
{
    struct pool_ev *pe = ticket->owner;
    ticket->connecting = NULL;
    ticket->connect_ns = clock_now_ns() - ticket->started_ns;
    ev_set_cb(&conn->write, on_writable);
    ev_io_start(pe->loop, &conn->read);
    handle(pe, (struct pool_event){.type = POOL_CONNECTED, .ticket = &ticket->core, .conn = &conn->core});
    if (!is_finished(ticket))
        finish(ticket, conn, 0);
}

static void drop_attempt(struct pool_ev_ticket *ticket)
{
    ev_timer_stop(ticket->owner->loop, &ticket->timeout);
    destroy(ticket->connecting);
    ticket->connecting = NULL;
}

static void on_connect_answer(struct ev_loop *loop, ev_io *io, int revents)
{
    struct pool_ev_conn *conn = io->data;
    struct pool_ev_ticket *ticket = conn->user;
    (void)revents;
    int err = net_connect_result(conn->fd);
    if (err) {
        drop_attempt(ticket);
        connect_failed(ticket, err);
    } else {
        ev_timer_stop(loop, &ticket->timeout);
        ev_io_stop(loop, io);
        connect_done(ticket, conn);
    }
    ticket->done(ticket);
}

static void on_connect_timeout(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct pool_ev_ticket *ticket = timer->data;
    (void)loop;
    (void)revents;
    drop_attempt(ticket);
    connect_failed(ticket, ETIMEDOUT);
    ticket->done(ticket);
}

static void start_connect(struct pool_ev *pe, struct pool_ev_ticket *ticket)
{
    bool in_progress;
    struct pool_ev_conn *conn = calloc(1, sizeof *conn);
    ticket->started_ns = clock_now_ns();
    if (!conn) {
        connect_failed(ticket, ENOMEM);
        return;
    }
    conn->fd = net_connect(ticket->addr, &in_progress);
    if (conn->fd < 0) {
        int err = errno;
        free(conn);
        connect_failed(ticket, err);
        return;
    }
    conn->owner = pe;
    conn->user = ticket;
    ev_io_init(&conn->read, on_readable, conn->fd, EV_READ);
    ev_io_init(&conn->write, on_connect_answer, conn->fd, EV_WRITE);
    conn->read.data = conn->write.data = conn;
    ticket->connecting = conn;
    if (!in_progress) {
        connect_done(ticket, conn);
        return;
    }
    ev_io_start(pe->loop, &conn->write);
    if (ticket->connect_timeout_ns) {
        ev_now_update(pe->loop); /* the loop's cached time may be old, and the timeout would come early */
        ev_timer_init(&ticket->timeout, on_connect_timeout, (double)ticket->connect_timeout_ns / 1e9, 0);
        ticket->timeout.data = ticket;
        ev_timer_start(pe->loop, &ticket->timeout);
    }
}

/* --- the API ------------------------------------------------------------------------------------------------------------- */

enum pool_ev_result pool_ev_checkout(struct pool_ev *pe, struct pool_ev_ticket *ticket)
{
    ticket->owner = pe;
    ticket->conn = NULL;
    ticket->connecting = NULL;
    ticket->err = 0;
    ticket->connect_ns = 0;
    ev_init(&ticket->timeout, on_connect_timeout);
    handle(pe, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &ticket->core, .key = ticket->key,
                                   .key_bytes = ticket->key_bytes});
    if (!is_finished(ticket))
        return POOL_EV_PENDING;
    return ticket->conn ? POOL_EV_READY : POOL_EV_FAILED;
}

void pool_ev_cancel(struct pool_ev_ticket *ticket)
{
    drop_attempt(ticket);
    handle(ticket->owner, (struct pool_event){.type = POOL_CANCEL, .ticket = &ticket->core});
}

enum pool_ev_checkin pool_ev_checkin(struct pool_ev_conn *conn, uint64_t idle_timeout_ns, unsigned size)
{
    struct pool_ev *pe = conn->owner;
    ev_io_stop(pe->loop, &conn->write);
    conn->on_io = NULL;
    conn->user = NULL;
    enum pool_reason closed = handle(pe, (struct pool_event){.type = POOL_CHECKIN, .conn = &conn->core, .seen = look(conn),
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
    handle(conn->owner, (struct pool_event){.type = POOL_DISCARD, .conn = &conn->core});
}

void pool_ev_stop(struct pool_ev *pe)
{
    handle(pe, (struct pool_event){.type = POOL_STOP});
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
    handle(pe, (struct pool_event){.type = POOL_TICK});
}

struct pool_ev *pool_ev_new(struct ev_loop *loop, const struct pool_config *config)
{
    struct pool_ev *pe = calloc(1, sizeof *pe);
    if (!pe)
        return NULL;
    pe->loop = loop;
    pe->expiry_at_ns = POOL_UNLIMITED;
    pe->to_watch.prev = pe->to_watch.next = &pe->to_watch;
    pe->core = pool_new(config);
    if (!pe->core) {
        free(pe);
        return NULL;
    }
    ev_prepare_init(&pe->before_wait, on_before_wait);
    ev_check_init(&pe->after_wait, on_after_wait);
    ev_set_priority(&pe->after_wait, EV_MAXPRI);
    ev_init(&pe->expiry, on_expiry);
    pe->before_wait.data = pe->after_wait.data = pe->expiry.data = pe;
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
    ev_ref(pe->loop);
    ev_ref(pe->loop);
    ev_prepare_stop(pe->loop, &pe->before_wait);
    ev_check_stop(pe->loop, &pe->after_wait);
    pool_free(pe->core);
    free(pe);
}
