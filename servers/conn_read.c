/* What comes to a connection: requests, whole or piece by piece, and what is none. */
#include "conn.h"

#include <string.h>

/* --- calling the behaviour ----------------------------------------------------------------------------------------- */

static const struct behaviour *behaviour_of(const struct conn *c) { return c->entry->behaviour; }

/* Only those that choose by connection have a `head` hook: the others have no behaviour yet when a head comes. */
static bool serves_heads(const struct conn *c) { return c->entry && behaviour_of(c)->head; }

static bool may_be_called(const struct conn *c) { return !conn_is_closed(c) && c->output == CONN_OPEN; }

static void tell_whole(struct conn *c)
{
    if (may_be_called(c) && behaviour_of(c)->request)
        behaviour_of(c)->request(c);
}

static void serve(struct conn *c)
{
    const struct behaviour *b = behaviour_of(c);
    c->served = true;
    if (b->head) {
        b->head(c);
        if (!c->request_begun)
            tell_whole(c);
    } else if (b->request) {
        b->request(c);
    } else {
        conn_reply(c, NULL);
    }
}

void conn_on_gate_passed(struct gate_waiter *w)
{
    struct conn *c = (struct conn *)(void *)((char *)w - offsetof(struct conn, waiter));
    serve(c);
    conn_settle(c);
}

static void serve_behind_gate(struct conn *c)
{
    const char *gate = c->entry->common.gate;
    c->answer_owed = true;
    if (*gate) {
        record_gate(&c->page, gate);
        if (!gate_pass(&c->listener->server->gates, gate, &c->waiter))
            return;
    }
    serve(c);
}

/* --- how far a request is ------------------------------------------------------------------------------------------ */

static void record_it(struct conn *c)
{
    record_request(&c->page, llhttp_method_name((llhttp_method_t)c->request.method), c->target, c->target_bytes,
                   c->request_bytes);
}

static void head_done(struct conn *c)
{
    record_it(c);
    if (c->output == CONN_OPEN)
        serve_behind_gate(c);
}

static void request_done(struct conn *c)
{
    if (serves_heads(c)) {
        if (c->served)
            tell_whole(c);
        return;
    }
    record_it(c);
    if (c->output == CONN_HALF_SENT)
        return;
    if (c->listener->by_request)
        c->entry = plan_next(&c->listener->plan);
    serve_behind_gate(c);
}

/* Nobody has begun to answer what turns out to be wrong. */
static bool unanswered(const struct conn *c)
{
    return !c->served || (c->answer_owed && !c->response.whole);
}

static void request_wrong(struct conn *c, size_t bytes)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    record_wrong(&c->page, bytes, http1_error(&c->request));
    c->deaf = true;
    c->request_begun = false; /* nothing more of it is waited for */
    if (c->output != CONN_OPEN) {
        conn_close(c, net_end_fin);
    } else if (serves_heads(c) && behaviour_of(c)->wrong && unanswered(c)) {
        c->answer_owed = true;
        behaviour_of(c)->wrong(c);
    } else {
        if (unanswered(c))
            conn_write(c, answer, sizeof answer - 1);
        conn_end_fin(c);
    }
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

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
    conn_stop_waiting(c);
    http1_init(&c->request, HTTP1_REQUEST, &hooks, c, false, NULL);
    c->request_begun = true;
    c->served = false;
    c->request_bytes = c->target_bytes = 0;
    buffer_free(&c->head);
}

static void keep_head(struct conn *c, const char *data, size_t bytes)
{
    size_t room = HEAD_BYTES_MAX - buffer_bytes(&c->head);
    buffer_add(&c->head, data, bytes < room ? bytes : room);
}

static void tell_reading(struct conn *c, enum part part)
{
    if (may_be_called(c) && serves_heads(c) && behaviour_of(c)->reading)
        behaviour_of(c)->reading(c, part);
}

/* Takes bytes of the request that is coming in; returns how many. */
static size_t take_request(struct conn *c, const char *data, size_t bytes)
{
    size_t used;
    bool first = !c->request_begun;
    if (first)
        begin_request(c);
    bool had_head = c->request.head_done;
    if (serves_heads(c) && !had_head)
        keep_head(c, data, bytes);
    enum http1_state state = http1_feed(&c->request, data, bytes, &used);
    c->request_bytes += used;
    if (state == HTTP1_BAD) {
        request_wrong(c, c->request_bytes + bytes);
        return bytes;
    }
    c->behind_bytes = state == HTTP1_DONE ? bytes - used : 0;
    c->request_begun = state != HTTP1_DONE;
    bool head_now = !had_head && c->request.head_done;
    if (head_now && serves_heads(c))
        head_done(c); /* tells that the request is whole, too, where it is */
    else if (state == HTTP1_DONE)
        request_done(c);
    if (state != HTTP1_DONE)
        tell_reading(c, c->request.head_done ? PART_BODY : first ? PART_FIRST : PART_HEAD);
    return state == HTTP1_DONE ? used : bytes;
}

static bool takes_requests(const struct conn *c)
{
    return !conn_is_closed(c) && !c->deaf && c->output != CONN_FIN_DUE && c->output != CONN_FIN_SENT;
}

void conn_take(struct conn *c, const char *data, size_t bytes)
{
    if (c->output == CONN_FIN_SENT) {
        conn_take_late(c, bytes);
        return;
    }
    while (bytes && takes_requests(c)) {
        if (c->switched) {
            record_switched(&c->page, bytes);
            return;
        }
        if (c->answer_owed && !c->request_begun) {
            buffer_add(&c->unread, data, bytes);
            c->behind_bytes = 0;
            return;
        }
        size_t used = take_request(c, data, bytes);
        data += used;
        bytes -= used;
    }
}

/* What came while an answer was owed. */
void conn_take_unread(struct conn *c)
{
    struct buffer unread = c->unread;
    c->unread = (struct buffer){0};
    conn_take(c, unread.data + unread.at, buffer_bytes(&unread));
    buffer_free(&unread);
}

/* --- what behaviours ask ------------------------------------------------------------------------------------------- */

const char *conn_head(const struct conn *c, size_t *bytes)
{
    *bytes = buffer_bytes(&c->head);
    return c->head.data;
}

bool conn_is_idle(const struct conn *c) { return !c->request_begun && !c->answer_owed && !c->switched; }

bool conn_request_is_whole(const struct conn *c) { return !c->request_begun; }

size_t conn_unread_bytes(const struct conn *c) { return c->behind_bytes + buffer_bytes(&c->unread); }

uint64_t conn_body_bytes(const struct conn *c) { return c->request.body_bytes; }

void conn_switch_protocol(struct conn *c) { c->switched = true; }
