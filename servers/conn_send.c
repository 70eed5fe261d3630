/* What leaves a connection: responses, stray data, FIN and RST, now or after a time. */
#include "conn.h"

#include "base/clock.h"
#include "reply.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>

/* --- sending ------------------------------------------------------------------------------------------------------- */

static void send_fin(struct conn *c)
{
    bool half = c->output == CONN_HALF_DUE;
    if (c->fin_seen) {
        conn_close(c, net_end_fin);
        return;
    }
    record_fin_sent(&c->page, half);
    shutdown(c->io.fd, SHUT_WR); /* a failure is a RST on its way to us, and read next */
    c->output = half ? CONN_HALF_SENT : CONN_FIN_SENT;
    c->answer_owed = false;
    if (!half)
        buffer_free(&c->unread); /* it came before the FIN: not late, only in vain */
}

/* The kernel has taken the whole response. */
static void answered(struct conn *c)
{
    void (*responded)(struct conn *) = c->entry->behaviour->responded;
    c->answer_owed = c->response.whole = false;
    if (c->fin_seen)
        conn_close(c, net_end_fin);
    else if (c->response.then_fin)
        conn_end_fin(c);
    else if (responded && c->output == CONN_OPEN)
        responded(c);
}

static void all_sent(struct conn *c)
{
    if (c->answer_owed && c->response.whole)
        answered(c);
    if (!conn_is_closed(c) && (c->output == CONN_FIN_DUE || c->output == CONN_HALF_DUE))
        send_fin(c);
}

/* How many of the bytes the kernel took; -1: the connection is gone, and so recorded. */
static ssize_t send_now(struct conn *c, const char *data, size_t bytes)
{
    ssize_t n = send(c->io.fd, data, bytes, MSG_NOSIGNAL);
    if (n >= 0)
        return n;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    conn_peer_reset(c, errno);
    return -1;
}

void conn_write(struct conn *c, const char *data, size_t bytes)
{
    ssize_t sent = buffer_bytes(&c->unsent) ? 0 : send_now(c, data, bytes);
    if (sent < 0)
        return;
    buffer_add(&c->unsent, data + sent, bytes - (size_t)sent);
    if (buffer_bytes(&c->unsent) == 0)
        all_sent(c);
}

void conn_send_unsent(struct conn *c)
{
    ssize_t sent = send_now(c, c->unsent.data + c->unsent.at, buffer_bytes(&c->unsent));
    if (sent <= 0)
        return;
    buffer_drop(&c->unsent, (size_t)sent);
    if (buffer_bytes(&c->unsent) == 0)
        all_sent(c);
}

/* --- time ---------------------------------------------------------------------------------------------------------- */

void conn_stop_waiting(struct conn *c)
{
    c->due_ns = 0;
    ev_timer_stop(c->listener->server->loop, &c->timer);
}

static void arm(struct conn *c, uint64_t now_ns)
{
    ev_timer_stop(c->listener->server->loop, &c->timer);
    ev_timer_set(&c->timer, (double)(c->due_ns - now_ns) / 1e9, 0);
    ev_timer_start(c->listener->server->loop, &c->timer);
}

void conn_wait(struct conn *c, double ms)
{
    if (conn_is_closed(c))
        return;
    uint64_t now_ns = clock_now_ns();
    c->due_ns = now_ns + (uint64_t)(ms * 1e6);
    arm(c, now_ns);
}

static void tell_response(struct conn *c)
{
    c->response.told = true;
    record_response(&c->page, 200, c->response.bytes, c->response.keep, c->response.whole);
}

/* The response's event is its last piece: before that, nobody can have the whole of it. */
static void drip(struct conn *c)
{
    size_t left = buffer_bytes(&c->unsent);
    size_t piece = left < c->drip_bytes ? left : c->drip_bytes;
    if (piece == left && !c->response.told)
        tell_response(c);
    ssize_t sent = send_now(c, c->unsent.data + c->unsent.at, piece);
    if (sent < 0)
        return;
    buffer_drop(&c->unsent, (size_t)sent);
    if (buffer_bytes(&c->unsent)) {
        conn_wait(c, c->drip_ms);
    } else {
        c->drip_bytes = 0;
        all_sent(c);
    }
}

/* libev counts from the time at which its loop woke up, so its timer may be early by our clock. */
void conn_on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct conn *c = timer->data;
    uint64_t now_ns = clock_now_ns();
    (void)loop;
    (void)revents;
    if (now_ns < c->due_ns) {
        arm(c, now_ns);
        return;
    }
    c->due_ns = 0;
    if (c->drip_bytes)
        drip(c);
    else if (c->entry->behaviour->tick)
        c->entry->behaviour->tick(c);
    conn_settle(c);
}

/* --- what behaviours use ------------------------------------------------------------------------------------------- */

const void *conn_options(const struct conn *c) { return c->entry->options; }

uint64_t conn_requests(const struct conn *c) { return c->page.requests; }

void conn_reply(struct conn *c, const struct reply *how)
{
    static const struct reply correct;
    struct reply_text text;
    if (conn_is_closed(c) || c->output != CONN_OPEN)
        return;
    assert(c->answer_owed);
    if (!how)
        how = &correct;
    const struct plan_common *common = &c->entry->common;
    reply_write(&text, how, &(struct reply_to){
        .conn = c->page.conn, .req = c->page.requests,
        .target = c->target, .target_bytes = c->target_bytes, .body_bytes = common->body_bytes,
        .head_only = c->request.method == HTTP_HEAD, .keep = c->request.keep_alive,
        .say_keep = common->keep_alive_header || c->request.minor == 0,
    });
    c->response.whole = how->cut == REPLY_WHOLE;
    c->response.then_fin = !text.keep && !how->stay_open;
    c->response.keep = text.keep;
    c->response.bytes = text.bytes;
    c->response.told = false;
    if (how->drip_bytes) {
        c->drip_bytes = how->drip_bytes;
        c->drip_ms = how->drip_ms;
        buffer_add(&c->unsent, text.data, text.bytes);
        drip(c);
        return;
    }
    tell_response(c);
    if (how->glued)
        record_stray(&c->page, text.glued_bytes, text.glued_name);
    conn_write(c, text.data, text.bytes + text.glued_bytes);
}

void conn_send(struct conn *c, const char *data, size_t bytes, const char *what)
{
    if (conn_is_closed(c) || c->output != CONN_OPEN)
        return;
    record_stray(&c->page, bytes, what);
    conn_write(c, data, bytes);
}

void conn_send_urgent(struct conn *c, char byte)
{
    if (conn_is_closed(c) || c->output != CONN_OPEN)
        return;
    record_stray(&c->page, 1, "urgent");
    if (send(c->io.fd, &byte, 1, MSG_OOB | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
        conn_peer_reset(c, errno);
}

void conn_send_stray(struct conn *c, enum stray what)
{
    struct reply_stray stray;
    reply_stray(&stray, what, c->page.conn);
    conn_send(c, stray.data, stray.bytes, stray.name);
}

static void end_output(struct conn *c, enum conn_output how)
{
    if (conn_is_closed(c) || c->output != CONN_OPEN)
        return;
    if (!c->drip_bytes)
        conn_stop_waiting(c);
    gate_leave(&c->waiter);
    c->output = how;
    if (buffer_bytes(&c->unsent) == 0)
        send_fin(c);
}

void conn_end_fin(struct conn *c) { end_output(c, CONN_FIN_DUE); }

void conn_half_close(struct conn *c) { end_output(c, CONN_HALF_DUE); }

void conn_end_rst(struct conn *c)
{
    if (conn_is_closed(c))
        return;
    if (conn_is_unix(c)) { /* only after late bytes: the client's next write fails, as on TCP */
        conn_close(c, net_end_fin);
        return;
    }
    record_rst_sent(&c->page);
    conn_close(c, net_end_rst);
}

/* A receive buffer that the kernel sizes by itself may grow to tens of megabytes; one of a fixed size is full soon. */
void conn_stop_reading(struct conn *c)
{
    const int least = 1; /* the kernel rounds it up to its smallest */
    c->reads = false;
    setsockopt(c->io.fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
}

void conn_close_now(struct conn *c)
{
    record_fin_sent(&c->page, false);
    conn_close(c, net_end_fin);
}

void conn_close_unread(struct conn *c) { c->closes_unread = c->reads = true; }

void conn_mark(struct conn *c, const char *mark) { record_mark(&c->page, mark); }
