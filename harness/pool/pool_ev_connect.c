/* A ticket's way to a connection that is opened for it, and its answer. */
#include "pool/pool_ev_private.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

void pool_ev_finish(struct pool_ev_ticket *ticket, struct pool_ev_conn *conn, int err)
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

bool pool_ev_is_finished(const struct pool_ev_ticket *ticket)
{
    return ticket->conn || ticket->err;
}

void pool_ev_start_timeout(struct pool_ev_ticket *ticket)
{
    struct pool_ev *pe = ticket->owner;
    ev_timer_stop(pe->loop, &ticket->timeout);
    if (!ticket->connect_timeout_ns)
        return;
    ev_now_update(pe->loop); /* the loop's cached time may be old, and the timeout would come early */
    ev_timer_set(&ticket->timeout, (double)ticket->connect_timeout_ns / 1e9, 0);
    ev_timer_start(pe->loop, &ticket->timeout);
}

static bool try_address(struct pool_ev_ticket *ticket);

static void connect_failed(struct pool_ev_ticket *ticket, int err)
{
    pool_ev_finish(ticket, NULL, err); /* before the next in line gets its place: the answers come in the order of the line */
    pool_ev_handle(ticket->owner, (struct pool_event){.type = POOL_CONNECT_FAILED, .ticket = &ticket->core});
}

static void connect_done(struct pool_ev_ticket *ticket)
{
    struct pool_ev *pe = ticket->owner;
    struct pool_ev_conn *conn = ticket->connecting;
    ticket->connecting = NULL;
    ticket->connect_ns = clock_now_ns() - ticket->started_ns;
    ev_io_stop(pe->loop, &conn->write);
    ev_set_cb(&conn->write, pool_ev_on_writable);
    ev_io_start(pe->loop, &conn->read);
    pool_ev_handle(pe, (struct pool_event){.type = POOL_CONNECTED, .ticket = &ticket->core, .conn = &conn->core});
    if (!pool_ev_is_finished(ticket)) /* the core may have refused it: no memory for its deadline */
        pool_ev_finish(ticket, conn, 0);
}

void pool_ev_drop_attempt(struct pool_ev_ticket *ticket)
{
    if (ticket->connecting)
        pool_ev_destroy(ticket->connecting);
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
    pool_ev_drop_attempt(ticket);
    errno = err;
    if (!try_address(ticket))
        connect_failed(ticket, errno);
}

/* In line, resolving or connecting: the time is up. */
void pool_ev_on_timeout(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct pool_ev_ticket *ticket = timer->data;
    (void)loop;
    (void)revents;
    ticket->why = "timeout";
    if (pool_ev_is_in_line(ticket)) {
        pool_ev_handle(ticket->owner, (struct pool_event){.type = POOL_CANCEL, .ticket = &ticket->core});
        pool_ev_finish(ticket, NULL, ETIMEDOUT);
        return;
    }
    pool_ev_drop_attempt(ticket);
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
    ev_io_init(&conn->read, pool_ev_on_readable, fd, EV_READ);
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

void pool_ev_start_connect(struct pool_ev_ticket *ticket)
{
    ticket->started_ns = clock_now_ns();
    pool_ev_start_timeout(ticket);
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
