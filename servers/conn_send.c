/* What leaves a connection: responses and stray data, at once or in pieces. */
#include "conn.h"

#include "reply.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

/* --- sending ------------------------------------------------------------------------------------------------------- */

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
        conn_send_fin(c);
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

static void tell_sending(struct conn *c)
{
    if (c->response.whole && c->output == CONN_OPEN && c->entry->behaviour->sending)
        c->entry->behaviour->sending(c);
}

void conn_write(struct conn *c, const char *data, size_t bytes)
{
    ssize_t sent = buffer_bytes(&c->unsent) ? 0 : send_now(c, data, bytes);
    if (sent < 0)
        return;
    buffer_add(&c->unsent, data + sent, bytes - (size_t)sent);
    if (buffer_bytes(&c->unsent) == 0)
        all_sent(c);
    else
        tell_sending(c);
}

void conn_send_unsent(struct conn *c)
{
    ssize_t sent = send_now(c, c->unsent.data + c->unsent.at, buffer_bytes(&c->unsent));
    if (sent <= 0)
        return;
    buffer_drop(&c->unsent, (size_t)sent);
    if (buffer_bytes(&c->unsent) == 0)
        all_sent(c);
    else
        tell_sending(c);
}

/* --- responses ----------------------------------------------------------------------------------------------------- */

static void tell_response(struct conn *c)
{
    c->response.told = true;
    record_response(&c->page, c->response.status, c->response.bytes, c->response.keep, c->response.whole);
}

/* The response's event is its last piece: before that, nobody can have the whole of it. */
void conn_drip(struct conn *c)
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

/* --- what behaviours use ------------------------------------------------------------------------------------------- */

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
    c->response.status = 200;
    c->response.bytes = text.bytes;
    c->response.told = false;
    if (how->drip_bytes) {
        c->drip_bytes = how->drip_bytes;
        c->drip_ms = how->drip_ms;
        buffer_add(&c->unsent, text.data, text.bytes);
        conn_drip(c);
        return;
    }
    tell_response(c);
    if (how->glued)
        record_stray(&c->page, text.glued_bytes, text.glued_name);
    conn_write(c, text.data, text.bytes + text.glued_bytes);
}

void conn_answer(struct conn *c, const struct answer *answer)
{
    struct reply_text text;
    if (conn_is_closed(c) || c->output != CONN_OPEN)
        return;
    assert(c->answer_owed);
    reply_answer(&text, answer, &(struct reply_to){
        .conn = c->page.conn, .req = c->page.requests, .target = c->target, .target_bytes = c->target_bytes,
    });
    c->response.whole = true;
    c->response.then_fin = false;
    c->response.keep = answer->keep;
    c->response.status = answer->status;
    c->response.bytes = text.bytes;
    tell_response(c);
    conn_write(c, text.data, text.bytes);
}

void conn_continue(struct conn *c, const char *reason)
{
    char line[64];
    if (conn_is_closed(c) || c->output != CONN_OPEN)
        return;
    record_mark(&c->page, "100");
    conn_write(c, line, (size_t)snprintf(line, sizeof line, "HTTP/1.1 100 %s\r\n\r\n", reason));
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

void conn_mark(struct conn *c, const char *mark) { record_mark(&c->page, mark); }
