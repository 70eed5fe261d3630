/* What comes to a connection: its requests and its end. */
#include "conn.h"

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

/* --- requests ------------------------------------------------------------------------------------------------------ */

static void serve(struct conn *c)
{
    if (c->entry->behaviour->request)
        c->entry->behaviour->request(c);
    else
        conn_reply(c, NULL);
}

static void on_gate_passed(struct gate_waiter *w)
{
    struct conn *c = (struct conn *)(void *)((char *)w - offsetof(struct conn, waiter));
    serve(c);
    conn_settle(c);
}

static void request_done(struct conn *c)
{
    struct listener *l = c->listener;
    c->request_begun = false;
    record_request(&c->page, llhttp_method_name((llhttp_method_t)c->request.method), c->target, c->target_bytes,
                   c->request_bytes);
    if (c->output == CONN_HALF_SENT)
        return;
    if (l->by_request)
        c->entry = plan_next(&l->plan);
    c->answer_owed = true;
    const char *gate = c->entry->common.gate;
    if (*gate) {
        record_gate(&c->page, gate);
        if (!gate_pass(&l->server->gates, gate, &c->waiter))
            return;
    }
    serve(c);
}

static void request_wrong(struct conn *c, size_t bytes)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    record_wrong(&c->page, bytes, http1_error(&c->request));
    if (c->output != CONN_OPEN) {
        conn_close(c, net_end_fin);
        return;
    }
    conn_write(c, answer, sizeof answer - 1);
    conn_end_fin(c);
}

static void on_target(void *user, const char *piece, size_t bytes)
{
    struct conn *c = user;
    size_t room = CONN_TARGET_BYTES - c->target_bytes;
    if (bytes > room)
        bytes = room;
    memcpy(c->target + c->target_bytes, piece, bytes);
    c->target_bytes += bytes;
}

static void begin_request(struct conn *c)
{
    static const struct http1_hooks hooks = {.target = on_target};
    http1_init(&c->request, HTTP1_REQUEST, &hooks, c, false, NULL);
    c->request_begun = true;
    c->request_bytes = c->target_bytes = 0;
}

/* Takes bytes of the request that is coming in; returns how many. */
static size_t take_request(struct conn *c, const char *data, size_t bytes)
{
    size_t used;
    if (!c->request_begun)
        begin_request(c);
    enum http1_state state = http1_feed(&c->request, data, bytes, &used);
    c->request_bytes += used;
    if (state == HTTP1_DONE) {
        request_done(c);
        return used;
    }
    if (state == HTTP1_BAD)
        request_wrong(c, c->request_bytes + bytes);
    return bytes;
}

static bool takes_requests(const struct conn *c)
{
    return !conn_is_closed(c) && c->output != CONN_FIN_DUE && c->output != CONN_FIN_SENT;
}

static void take(struct conn *c, const char *data, size_t bytes)
{
    if (c->output == CONN_FIN_SENT) {
        record_late(&c->page, bytes);
        conn_end_rst(c);
        return;
    }
    if (!c->answer_owed)
        conn_stop_waiting(c);
    while (bytes && takes_requests(c)) {
        if (c->answer_owed) {
            buffer_add(&c->unread, data, bytes);
            return;
        }
        size_t used = take_request(c, data, bytes);
        data += used;
        bytes -= used;
    }
}

/* What came while an answer was owed. */
static void take_unread(struct conn *c)
{
    struct buffer unread = c->unread;
    c->unread = (struct buffer){0};
    take(c, unread.data + unread.at, buffer_bytes(&unread));
    buffer_free(&unread);
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
        take(c, data, (size_t)n);
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
        take_unread(c);
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

void conn_new(struct listener *l, int fd, unsigned peer_port)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c) {
        net_end_fin(fd);
        return;
    }
    c->listener = l;
    c->reads = true;
    c->waiter.pass = on_gate_passed;
    ev_io_init(&c->io, on_io, fd, EV_READ);
    ev_timer_init(&c->timer, conn_on_timer, 0, 0);
    c->io.data = c->timer.data = c;
    LIST_INSERT_HEAD(&l->conns, c, link);
    record_accepted(&l->record, &c->page, ++l->server->connections, peer_port);
    ev_io_start(l->server->loop, &c->io);
    if (!l->by_request) {
        c->entry = plan_next(&l->plan);
        if (c->entry->behaviour->accepted)
            c->entry->behaviour->accepted(c);
    }
    conn_settle(c);
}

void conn_free(struct conn *c)
{
    if (!conn_is_closed(c))
        conn_close(c, net_end_fin);
    LIST_REMOVE(c, link);
    buffer_free(&c->unread);
    buffer_free(&c->unsent);
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
