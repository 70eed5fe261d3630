#include "pool/pool_ev.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

struct pool_ev {
    struct ev_loop *loop;
    struct pool *core;
    struct pool_link to_watch; /* parked in this turn; most are checked out again before the loop ever waits */
    struct pool_link to_start; /* tickets that the core has told to connect */
    bool starting;             /* somebody is at it */
    struct pool_link to_tell;  /* tickets whose answer is there */
    ev_timer tell;             /* never started, only fed: answers are given from the loop, not from inside a call */
    ev_prepare before_wait;
    ev_check after_wait;
    uint64_t polled_ns;        /* when the loop last collected events; ev_now has another clock */
    ev_timer expiry;
    uint64_t expiry_at_ns;     /* what the timer is set to; POOL_UNLIMITED: not running */
};

#define OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* --- lists; a link that is in none has no neighbours ------------------------------------------------------------------- */

static void list_init(struct pool_link *head)
{
    head->prev = head->next = head;
}

static bool is_listed(const struct pool_link *link)
{
    return link->next != NULL;
}

static void list_append(struct pool_link *head, struct pool_link *link)
{
    *link = (struct pool_link){.prev = head->prev, .next = head};
    head->prev->next = link;
    head->prev = link;
}

static void list_remove(struct pool_link *link)
{
    if (!is_listed(link))
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = NULL;
}

static struct pool_link *list_pop(struct pool_link *head)
{
    struct pool_link *first = head->next;
    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

/* --- answers -------------------------------------------------------------------------------------------------------------- */

static void finish(struct pool_ev_ticket *ticket, struct pool_ev_conn *conn, int err)
{
    struct pool_ev *pe = ticket->owner;
    ev_timer_stop(pe->loop, &ticket->timeout);
    ticket->conn = conn;
    ticket->err = err;
    if (ticket->in_checkout)
        return;
    list_append(&pe->to_tell, &ticket->list);
    ev_feed_event(pe->loop, &pe->tell, EV_CUSTOM);
}

static bool is_finished(const struct pool_ev_ticket *ticket)
{
    return ticket->conn || ticket->err;
}

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

static void destroy(struct pool_ev_conn *conn)
{
    list_remove(&conn->list);
    ev_io_stop(conn->owner->loop, &conn->read);
    ev_io_stop(conn->owner->loop, &conn->write);
    net_end_fin(conn->fd);
    free(conn);
}

static void start_connect(struct pool_ev_ticket *ticket);

static void hand_out(struct pool_ev_ticket *ticket, struct pool_ev_conn *conn)
{
    if (is_listed(&conn->list))
        list_remove(&conn->list);
    else
        watch_as(conn, false);
    finish(ticket, conn, 0);
}

static void refuse(struct pool_ev_ticket *ticket, enum pool_reason reason)
{
    if (reason == POOL_REASON_BACKLOG_FULL)
        ticket->why = "too many waiting connect operations";
    finish(ticket, NULL, reason == POOL_REASON_NO_MEMORY ? ENOMEM : EBUSY);
}

static void start_timeout(struct pool_ev_ticket *ticket)
{
    struct pool_ev *pe = ticket->owner;
    ev_timer_stop(pe->loop, &ticket->timeout);
    if (!ticket->connect_timeout_ns)
        return;
    ev_now_update(pe->loop); /* the loop's cached time may be old, and the timeout would come early */
    ev_timer_set(&ticket->timeout, (double)ticket->connect_timeout_ns / 1e9, 0);
    ev_timer_start(pe->loop, &ticket->timeout);
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
            list_append(&pe->to_start, &ticket->list);
            break;
        case POOL_DO_WAIT:
            start_timeout(ticket);
            break;
        case POOL_DO_PROBE:
            handle(pe, (struct pool_event){.type = POOL_PROBED, .ticket = &ticket->core, .conn = &conn->core,
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
            destroy(conn);
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
        start_connect(OF(link, struct pool_ev_ticket, list));
    pe->starting = false;
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
        handle(conn->owner, (struct pool_event){.type = POOL_READABLE, .conn = &conn->core,
                                                .seen = revents & EV_ERROR ? POOL_SEEN_ERROR /* it cannot be watched */
                                                                           : look(conn)});
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

static bool try_address(struct pool_ev_ticket *ticket);

static void connect_failed(struct pool_ev_ticket *ticket, int err)
{
    finish(ticket, NULL, err); /* before the next in line gets its place: the answers come in the order of the line */
    handle(ticket->owner, (struct pool_event){.type = POOL_CONNECT_FAILED, .ticket = &ticket->core});
}

static void connect_done(struct pool_ev_ticket *ticket)
{
    struct pool_ev *pe = ticket->owner;
    struct pool_ev_conn *conn = ticket->connecting;
    ticket->connecting = NULL;
    ticket->connect_ns = clock_now_ns() - ticket->started_ns;
    ev_io_stop(pe->loop, &conn->write);
    ev_set_cb(&conn->write, on_writable);
    ev_io_start(pe->loop, &conn->read);
    handle(pe, (struct pool_event){.type = POOL_CONNECTED, .ticket = &ticket->core, .conn = &conn->core});
    if (!is_finished(ticket)) /* the core may have refused it: no memory for its deadline */
        finish(ticket, conn, 0);
}

static void drop_attempt(struct pool_ev_ticket *ticket)
{
    if (ticket->connecting)
        destroy(ticket->connecting);
    ticket->connecting = NULL;
    ticket->resolving = false;
}

static void on_connect_answer(struct ev_loop *loop, ev_io *io, int revents)
{
    struct pool_ev_conn *conn = io->data;
    struct pool_ev_ticket *ticket = conn->user;
    (void)loop;
    (void)revents;
    int err = net_connect_result(conn->fd);
    if (!err) {
        connect_done(ticket);
        return;
    }
    drop_attempt(ticket);
    errno = err;
    if (!try_address(ticket))
        connect_failed(ticket, errno);
}

/* In line, resolving or connecting: the time is up. */
static void on_timeout(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct pool_ev_ticket *ticket = timer->data;
    (void)loop;
    (void)revents;
    ticket->why = "timeout";
    if (pool_ev_is_in_line(ticket)) {
        handle(ticket->owner, (struct pool_event){.type = POOL_CANCEL, .ticket = &ticket->core});
        finish(ticket, NULL, ETIMEDOUT);
        return;
    }
    drop_attempt(ticket);
    connect_failed(ticket, ETIMEDOUT);
}

static struct pool_ev_conn *new_conn(struct pool_ev_ticket *ticket, int fd)
{
    struct pool_ev_conn *conn = calloc(1, sizeof *conn);
    if (!conn)
        return NULL;
    conn->fd = fd;
    conn->owner = ticket->owner;
    conn->user = ticket;
    ev_io_init(&conn->read, on_readable, fd, EV_READ);
    ev_io_init(&conn->write, on_connect_answer, fd, EV_WRITE);
    conn->read.data = conn->write.data = conn;
    return conn;
}

/* Starts on the next address. False, with errno as the last one left it: there is none. */
static bool try_address(struct pool_ev_ticket *ticket)
{
    while (ticket->tried < ticket->addr_count) {
        bool in_progress;
        int fd = net_connect(&ticket->addr[ticket->tried++], &in_progress);
        if (fd < 0)
            continue;
        if (ticket->keepalive && net_set_keepalive(fd, ticket->keepalive) < 0) {
            int err = errno;
            net_end_fin(fd);
            errno = err;
            continue;
        }
        ticket->connecting = new_conn(ticket, fd);
        if (!ticket->connecting) {
            net_end_fin(fd);
            errno = ENOMEM;
            return false;
        }
        if (in_progress)
            ev_io_start(ticket->owner->loop, &ticket->connecting->write);
        else
            connect_done(ticket);
        return true;
    }
    return false;
}

static void start_connect(struct pool_ev_ticket *ticket)
{
    ticket->started_ns = clock_now_ns();
    start_timeout(ticket);
    ticket->resolving = ticket->addr_count == 0;
    if (ticket->resolving)
        ticket->resolve(ticket);
    else if (!try_address(ticket))
        connect_failed(ticket, errno);
}

void pool_ev_resolved(struct pool_ev_ticket *ticket, const char *why)
{
    if (!ticket->resolving)
        return; /* its time was up in between */
    ticket->resolving = false;
    ticket->why = why;
    if (why)
        connect_failed(ticket, EHOSTUNREACH);
    else if (!try_address(ticket))
        connect_failed(ticket, errno);
}

bool pool_ev_is_in_line(const struct pool_ev_ticket *ticket)
{
    return ticket->core.state == POOL_TICKET_WAITING;
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
    ev_init(&ticket->timeout, on_timeout);
    ev_set_priority(&ticket->timeout, EV_MINPRI); /* behind the I/O of the same iteration: what has arrived has not timed out */
    ticket->timeout.data = ticket;
    ticket->in_checkout = true;
    handle(pe, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &ticket->core, .key = ticket->key,
                                   .key_bytes = ticket->key_bytes, .size = ticket->pool_size, .limited = ticket->limited,
                                   .backlog = ticket->backlog});
    ticket->in_checkout = false;
    if (!is_finished(ticket))
        return POOL_EV_PENDING;
    return ticket->conn ? POOL_EV_READY : POOL_EV_FAILED;
}

void pool_ev_cancel(struct pool_ev_ticket *ticket)
{
    ev_timer_stop(ticket->owner->loop, &ticket->timeout);
    if (is_finished(ticket)) {
        list_remove(&ticket->list);
        if (ticket->conn)
            pool_ev_discard(ticket->conn);
        return;
    }
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
