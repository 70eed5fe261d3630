/* A connection's life: from accept to close, and what it can be asked meanwhile. */
#include "conn.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define UNREAD_BYTES_MAX 65536u /* then the client has to wait: what it sends stays in the kernel */

/* --- closing ------------------------------------------------------------------------------------------------------- */

void conn_close(struct conn *c, void (*how)(int fd))
{
    conn_stop_waiting(c);
    gate_leave(&c->waiter);
    ev_io_stop(c->listener->server->loop, &c->io);
    how(c->io.fd);
    c->io.fd = -1;
    record_closed(&c->page);
}

void conn_peer_reset(struct conn *c, int err)
{
    record_rst_seen(&c->page, err);
    conn_close(c, net_end_fin);
}

static void peer_finished(struct conn *c)
{
    record_fin_seen(&c->page);
    bool answers = c->answer_owed && c->output == CONN_OPEN;
    if (answers && c->entry->behaviour->peer_closed) {
        c->fin_seen = true;
        c->entry->behaviour->peer_closed(c);
    } else if (answers && c->response.whole) {
        c->fin_seen = true; /* an answer that has begun is finished */
    } else {
        conn_close(c, net_end_fin);
    }
}

/* --- the connection ------------------------------------------------------------------------------------------------ */

static void close_over_unread(struct conn *c)
{
    record_rst_sent(&c->page);
    conn_close(c, net_end_fin);
}

/* One recv for each time the loop says so: a second one, to see EAGAIN, would cost more than it finds. */
static void receive(struct conn *c)
{
    static char data[65536];
    ssize_t n = recv(c->io.fd, data, sizeof data, c->closes_unread ? MSG_PEEK : 0);
    if (n > 0 && c->closes_unread)
        close_over_unread(c);
    else if (n > 0)
        conn_take(c, data, (size_t)n);
    else if (n == 0)
        peer_finished(c);
    else if (errno != EAGAIN && errno != EINTR)
        conn_peer_reset(c, errno);
}

static void on_io(struct ev_loop *loop, ev_io *io, int revents)
{
    struct conn *c = io->data;
    (void)loop;
    if (revents & EV_READ)
        receive(c);
    if ((revents & EV_WRITE) && !conn_is_closed(c) && buffer_bytes(&c->unsent))
        conn_send_unsent(c);
    conn_settle(c);
}

void conn_settle(struct conn *c)
{
    if (!conn_is_closed(c) && !c->answer_owed && buffer_bytes(&c->unread))
        conn_take_unread(c);
    listener_conn_gone(c->listener);
    if (conn_is_closed(c)) {
        conn_free(c);
        return;
    }
    int events = 0;
    if (c->reads && !c->fin_seen && buffer_bytes(&c->unread) < UNREAD_BYTES_MAX)
        events |= EV_READ;
    if (buffer_bytes(&c->unsent) && !c->drip_bytes)
        events |= EV_WRITE;
    if (events == (c->io.events & (EV_READ | EV_WRITE)))
        return;
    ev_io_stop(c->listener->server->loop, &c->io);
    ev_io_modify(&c->io, events);
    if (events)
        ev_io_start(c->listener->server->loop, &c->io);
}

static void begin_behaviour(struct conn *c)
{
    c->entry = plan_next(&c->listener->plan);
    const struct behaviour *b = c->entry->behaviour;
    if (b->state_bytes && !(c->state = calloc(1, b->state_bytes)))
        abort();
    if (b->accepted)
        b->accepted(c);
}

void conn_new(struct listener *l, int fd, unsigned peer_port)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c) {
        net_end_fin(fd);
        return;
    }
    c->listener = l;
    c->reads = true;
    c->waiter.pass = conn_on_gate_passed;
    ev_io_init(&c->io, on_io, fd, EV_READ);
    ev_timer_init(&c->timer, conn_on_timer, 0, 0);
    ev_set_priority(&c->timer, EV_MINPRI); /* as in nginx and Tomcat, what has come meanwhile is read before the time is up */
    c->io.data = c->timer.data = c;
    LIST_INSERT_HEAD(&l->conns, c, link);
    c->accepted_ms = conn_now_ms();
    record_accepted(&l->record, &c->page, ++l->server->connections, peer_port);
    ev_io_start(l->server->loop, &c->io);
    if (!l->by_request)
        begin_behaviour(c);
    conn_settle(c);
}

void conn_free(struct conn *c)
{
    if (!conn_is_closed(c))
        conn_close(c, net_end_fin);
    LIST_REMOVE(c, link);
    buffer_free(&c->head);
    buffer_free(&c->unread);
    buffer_free(&c->unsent);
    free(c->state);
    free(c);
}

struct conn *conn_find(struct server *s, uint64_t number)
{
    struct listener *l;
    struct conn *c;
    SLIST_FOREACH(l, &s->listeners, link)
        LIST_FOREACH(c, &l->conns, link)
            if (c->page.conn == number)
                return c;
    return NULL;
}

/* --- what behaviours ask ------------------------------------------------------------------------------------------- */

const void *conn_options(const struct conn *c) { return c->entry->options; }

void *conn_state(struct conn *c) { return c->state; }

uint64_t conn_requests(const struct conn *c) { return c->page.requests; }

double conn_now_ms(void) { return (double)clock_now_ns() / 1e6; }

double conn_age_ms(const struct conn *c) { return conn_now_ms() - c->accepted_ms; }

uint64_t conn_siblings(const struct conn *c) { return c->listener->record.open; }

void conn_visit_siblings(struct conn *c, void (*visit)(struct conn *sibling, void *user), void *user)
{
    struct conn *next;
    for (struct conn *one = LIST_FIRST(&c->listener->conns); one; one = next) {
        next = LIST_NEXT(one, link);
        if (one->entry != c->entry || one->page.end)
            continue;
        visit(one, user);
        if (one != c)
            conn_settle(one); /* c is settled by whoever has called its hook */
    }
}
