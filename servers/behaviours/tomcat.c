/* Tomcat as it is on the wire, with the connector's attributes as options: Tomcat documentation, HTTP connector, and observed on
 * Tomcat 10.1's NIO connector. Not imitated: lower-case methods, bare line feeds and Content-Length beside chunked (accepted there),
 * HTTP/0.9, and Expect where the body is not read. */
#include "behaviour.h"
#include "profiles/request.h"

#include <math.h>
#include <stdio.h>

/* --- attributes ---------------------------------------------------------------------------------------------------- */

struct tomcat {
    int64_t connection_timeout_ms;
    int64_t keep_alive_timeout_ms;
    int64_t max_keep_alive_requests;
    bool use_keep_alive_response_header;
    int64_t max_swallow_size_bytes;
    int64_t connection_linger_s;
    int64_t max_connections;
    uint64_t accept_count;
    double quantum_ms;
    double unload_delay_ms;
    double unload_ms;
};

static const struct option options[] = {
    OPTION(OPTION_LIMIT, struct tomcat, connection_timeout_ms, "60000", "between two pieces of a request; -1: any time"),
    OPTION(OPTION_LIMIT, struct tomcat, keep_alive_timeout_ms, "", "idle so long, closed; -1 and 0: never; unset: as the above"),
    OPTION(OPTION_LIMIT, struct tomcat, max_keep_alive_requests, "100", "the last one says close; -1 and 0: any number"),
    OPTION(OPTION_BOOL, struct tomcat, use_keep_alive_response_header, "true", "Keep-Alive to clients that ask for keep-alive"),
    OPTION(OPTION_LIMIT, struct tomcat, max_swallow_size_bytes, "2097152", "of a body that nobody reads; more closes"),
    OPTION(OPTION_LIMIT, struct tomcat, connection_linger_s, "-1", "0: RST in place of FIN"),
    OPTION(OPTION_LIMIT, struct tomcat, max_connections, "8192", "then clients wait to be accepted; -1: any number"),
    OPTION(OPTION_COUNT, struct tomcat, accept_count, "100", "so many wait; the kernel drops the others"),
    OPTION(OPTION_MS, struct tomcat, quantum_ms, "1000",
           "timeouts are looked at so often, and a socket is closed so long after its FIN; 0: at once, the textbook's server"),
    OPTION(OPTION_MS, struct tomcat, unload_delay_ms, "2000",
           "shutdown: requests in flight are waited for so long, and looked at in 20 steps; then they are cut"),
    OPTION(OPTION_MS, struct tomcat, unload_ms, "0", "shutdown: how long the applications then take to stop"),
    {0},
};

/* --- a connection -------------------------------------------------------------------------------------------------- */

enum phase {
    READS,    /* a request, or idle: the connection ends when the time has passed */
    BODY,     /* it is answered when the body is there */
    LATER,    /* it is answered when the time has come */
    SENDING,
    SWALLOWS, /* the answer is out, and the body still coming */
    RESETS,
};

struct state {
    enum phase phase;
    bool stopping;
    double cut_at_ms;  /* while stopping: no request is waited for any longer */
    double ends_at_ms; /* nobody is waited for any more, and the applications take until then to stop; 0: not yet */
    double due_ms;     /* what is waited for while a request is served */
    bool asks_keep_alive;
    bool is_1_1;
    bool expects; /* 100 */
    bool mute; /* it closes, and does not say so */
    bool reads_body; /* the application does; what it leaves is swallowed */
    struct answer answer;
    char fields[96];
};

/* Timeouts are looked at once in a quantum only. With connectionLinger 0 nothing shows when: the RST comes a quantum after the time. */
static void wait_at_least(struct conn *c, int64_t ms)
{
    const struct tomcat *o = conn_options(c);
    double now_ms = conn_now_ms(), due_ms = now_ms + (double)ms;
    if (o->quantum_ms > 0 && o->connection_linger_s != 0)
        due_ms = ceil(due_ms / o->quantum_ms) * o->quantum_ms;
    if (ms > 0)
        conn_wait(c, due_ms - now_ms);
    else
        conn_stop_waiting(c);
}

/* While a request is served: exactly so long, INFINITY for ever, where no shutdown cuts it. */
static void wait_serving(struct conn *c, double ms)
{
    struct state *s = conn_state(c);
    double now_ms = conn_now_ms();
    s->due_ms = now_ms + ms;
    double until_ms = s->stopping && s->cut_at_ms < s->due_ms ? s->cut_at_ms : s->due_ms;
    if (isfinite(until_ms))
        conn_wait(c, until_ms > now_ms ? until_ms - now_ms : 0);
}

/* An application that reads waits exactly so long. */
static void wait_for_body(struct conn *c)
{
    const struct tomcat *o = conn_options(c);
    wait_serving(c, o->connection_timeout_ms > 0 ? (double)o->connection_timeout_ms : INFINITY);
}

static int64_t keep_alive_timeout(const struct tomcat *o)
{
    return o->keep_alive_timeout_ms == OPTION_UNSET ? o->connection_timeout_ms : o->keep_alive_timeout_ms;
}

/* In two steps: FIN at once, and the socket is closed when the poller next wakes. With connectionLinger 0 only the second is seen,
 * as a RST. */
static void end(struct conn *c)
{
    enum { BUFFER_BYTES = 8192 }; /* what it has read ahead; more is unread when the socket is closed */
    const struct tomcat *o = conn_options(c);
    struct state *s = conn_state(c);
    if (o->connection_linger_s == 0) {
        s->phase = RESETS;
        conn_stop_reading(c);
        conn_wait(c, o->quantum_ms);
        return;
    }
    conn_linger(c, &(struct lingering){
        .total_ms = o->quantum_ms, .then = conn_unread_bytes(c) > BUFFER_BYTES ? LINGER_RST : LINGER_RST_IF_LATE,
    });
}

static void go_on(struct conn *c)
{
    const struct tomcat *o = conn_options(c);
    struct state *s = conn_state(c);
    s->phase = READS;
    if (!s->answer.keep || s->stopping)
        end(c);
    else if (conn_unread_bytes(c) == 0)
        wait_at_least(c, keep_alive_timeout(o));
}

/* --- answering ----------------------------------------------------------------------------------------------------- */

static void write_fields(const struct conn *c, struct state *s)
{
    const struct tomcat *o = conn_options(c);
    int64_t timeout_ms = keep_alive_timeout(o);
    bool hint = o->use_keep_alive_response_header && s->asks_keep_alive && timeout_ms > 0;
    s->fields[0] = '\0';
    if (!s->answer.keep)
        snprintf(s->fields, sizeof s->fields, "Connection: close\r\n");
    else if (hint)
        snprintf(s->fields, sizeof s->fields, "Keep-Alive: timeout=%lld\r\nConnection: keep-alive\r\n",
                 (long long)(timeout_ms / 1000));
    else if (!s->is_1_1)
        snprintf(s->fields, sizeof s->fields, "Connection: keep-alive\r\n");
}

static void send_answer(struct conn *c)
{
    struct state *s = conn_state(c);
    write_fields(c, s);
    struct answer a = s->answer;
    a.reason = "";
    a.fields = s->mute ? "" : s->fields;
    s->phase = SENDING;
    conn_stop_waiting(c);
    conn_answer(c, &a);
}

static void refuse(struct conn *c, unsigned status)
{
    struct state *s = conn_state(c);
    s->answer = (struct answer){.status = status};
    send_answer(c);
}

static bool status_closes(uint64_t status)
{
    static const unsigned closes[] = {400, 408, 411, 413, 414, 500, 501, 503};
    for (size_t i = 0; i < sizeof closes / sizeof *closes; i++)
        if (closes[i] == status)
            return true;
    return false;
}

static void answer_what_is_asked(struct conn *c, enum asked asked, uint64_t number)
{
    struct state *s = conn_state(c);
    struct answer *a = &s->answer;
    switch (asked) {
    case ASKED_STATUS:
    case ASKED_SEND_ERROR:
        a->status = (unsigned)number;
        a->keep = a->keep && (!status_closes(number));
        if (a->empty && (asked == ASKED_STATUS || number < 400))
            a->framing = FRAMING_END;
        else if (!status_has_body(a->status))
            a->framing = FRAMING_NONE;
        else if (a->status < 300)
            a->framing = FRAMING_EMPTY;
        break;
    case ASKED_CLOSE:
        a->keep = false;
        break;
    case ASKED_BIG:
        a->body_bytes = number;
        break;
    case ASKED_SHORT:
        a->body_bytes = 10;
        a->missing_bytes = 90;
        break;
    case ASKED_UNKNOWN_LENGTH:
        a->body_bytes = 100;
        a->framing = s->is_1_1 && !a->empty ? FRAMING_CHUNKED : FRAMING_END;
        a->keep = a->keep && (s->is_1_1 || a->empty);
        break;
    case ASKED_SLOW:
        s->phase = LATER;
        wait_serving(c, (double)number);
        return;
    case ASKED_READ_BODY:
        if (conn_request_is_whole(c))
            break;
        s->phase = BODY;
        wait_for_body(c);
        if (s->expects)
            conn_continue(c, "");
        return;
    default:
        break;
    }
    send_answer(c);
}

/* --- requests ------------------------------------------------------------------------------------------------------ */

/* In any of its Connection fields. */
static bool says(const char *head, size_t bytes, const char *token)
{
    struct text value;
    for (unsigned i = 0; head_field(head, bytes, "Connection", i, &value); i++)
        if (text_has_token(value, token))
            return true;
    return false;
}

static bool too_much(const struct tomcat *o, const struct state *s, uint64_t bytes)
{
    return !s->reads_body && o->max_swallow_size_bytes >= 0 && bytes > (uint64_t)o->max_swallow_size_bytes;
}

static bool is_last(const struct conn *c, const struct state *s, const char *head, size_t bytes)
{
    const struct tomcat *o = conn_options(c);
    bool limit = o->max_keep_alive_requests > 0 && conn_requests(c) >= (uint64_t)o->max_keep_alive_requests;
    return limit || too_much(o, s, head_content_length(head, bytes)) || says(head, bytes, "close");
}

/* Of another version: closes, and says only so where another request would have been the last one, too. */
static void refuse_version(struct conn *c, const char *head, size_t bytes)
{
    struct state *s = conn_state(c);
    s->reads_body = false;
    s->mute = !is_last(c, s, head, bytes);
    refuse(c, 505);
}

static void head(struct conn *c)
{
    enum { HEAD_BYTES = 8192 };
    struct state *s = conn_state(c);
    size_t bytes;
    const char *head_text = conn_head(c, &bytes);
    struct request_line line = head_line(head_text, bytes);
    struct text value;
    uint64_t number;
    enum asked asked = target_asked(line.target, &number);
    if (s->stopping) { /* not a byte */
        end(c);
        return;
    }
    s->is_1_1 = text_is(line.version, "HTTP/1.1");
    s->asks_keep_alive = says(head_text, bytes, "keep-alive");
    s->expects = s->is_1_1 && head_field(head_text, bytes, "Expect", 0, &value);
    s->reads_body = asked == ASKED_READ_BODY;
    s->answer = (struct answer){
        .status = 200, .empty = text_is(line.method, "HEAD"),
        .keep = !is_last(c, s, head_text, bytes) && (s->is_1_1 || s->asks_keep_alive),
    };
    if (!s->is_1_1 && !text_is(line.version, "HTTP/1.0"))
        refuse_version(c, head_text, bytes);
    else if (line.target.bytes + head_longest_field(head_text, bytes) > HEAD_BYTES)
        refuse(c, 400);
    else if (text_is(line.method, "TRACE"))
        answer_what_is_asked(c, ASKED_STATUS, 405);
    else if (s->is_1_1 && (!head_field(head_text, bytes, "Host", 0, &value) || head_field(head_text, bytes, "Host", 1, &value)))
        refuse(c, 400);
    else
        answer_what_is_asked(c, asked, number);
}

static void wrong(struct conn *c)
{
    size_t bytes;
    const char *head_text = conn_head(c, &bytes);
    struct text version = head_line(head_text, bytes).version, value;
    bool strange = text_contains(version, "HTTP/") && !text_is(version, "HTTP/1.0") && !text_is(version, "HTTP/1.1");
    bool encoded = head_field(head_text, bytes, "Transfer-Encoding", 0, &value) && !text_contains_nocase(value, "chunked");
    if (strange)
        refuse_version(c, head_text, bytes);
    else
        refuse(c, encoded ? 501 : 400);
}

/* --- what happens -------------------------------------------------------------------------------------------------- */

static void accepted(struct conn *c)
{
    const struct tomcat *o = conn_options(c);
    wait_at_least(c, o->connection_timeout_ms);
}

static void reading(struct conn *c, enum part part)
{
    const struct tomcat *o = conn_options(c);
    struct state *s = conn_state(c);
    if ((s->stopping && s->phase == READS) || (s->phase == SWALLOWS && too_much(o, s, conn_body_bytes(c))))
        end(c);
    else if (s->phase == BODY || s->phase == SWALLOWS)
        wait_for_body(c);
    else if (part != PART_BODY)
        wait_at_least(c, o->connection_timeout_ms);
}

static void request(struct conn *c)
{
    struct state *s = conn_state(c);
    if (s->phase == BODY)
        send_answer(c);
    else if (s->phase == SWALLOWS)
        go_on(c);
}

static void sending(struct conn *c)
{
    const struct tomcat *o = conn_options(c);
    const struct state *s = conn_state(c);
    if (!s->stopping)
        wait_at_least(c, o->connection_timeout_ms);
}

static void responded(struct conn *c)
{
    const struct tomcat *o = conn_options(c);
    struct state *s = conn_state(c);
    conn_stop_waiting(c);
    if (too_much(o, s, conn_body_bytes(c))) {
        end(c);
        return;
    }
    if (conn_request_is_whole(c)) {
        go_on(c);
        return;
    }
    s->phase = SWALLOWS;
    wait_for_body(c);
}

/* --- shutdown ------------------------------------------------------------------------------------------------------ */

/* By an application: a part of a head is in nobody's hands yet, and what is swallowed in nobody's any more. */
static bool is_served(struct conn *c)
{
    const struct state *s = conn_state(c);
    return !conn_is_idle(c) && s->phase != SWALLOWS && (s->phase != READS || conn_request_is_whole(c));
}

static void look_for_served(struct conn *c, void *user)
{
    bool *found = user;
    *found |= is_served(c);
}

static double step_ms(const struct tomcat *o) { return o->unload_delay_ms / 20; }

/* Whoever is not served waits for those who are, and ends when the applications have stopped. */
static void stop_on(struct conn *c)
{
    const struct tomcat *o = conn_options(c);
    struct state *s = conn_state(c);
    double now_ms = conn_now_ms();
    bool others = false;
    if (s->ends_at_ms == 0) {
        conn_visit_siblings(c, look_for_served, &others);
        if (!others || now_ms >= s->cut_at_ms)
            s->ends_at_ms = now_ms + o->unload_ms;
    }
    if (s->ends_at_ms == 0)
        conn_wait(c, step_ms(o));
    else if (now_ms < s->ends_at_ms)
        conn_wait(c, s->ends_at_ms - now_ms);
    else
        conn_end_fin(c); /* the process is gone soon, and with it every socket */
}

/* The socket goes on listening, and nobody is accepted. */
static const struct order orders[] = {{"shutdown", ORDER_PAUSE}, {0}};

static void ordered(struct conn *c, const struct order *order)
{
    const struct tomcat *o = conn_options(c);
    struct state *s = conn_state(c);
    (void)order;
    s->stopping = true;
    s->cut_at_ms = conn_now_ms() + o->unload_delay_ms + step_ms(o);
    if (!is_served(c))
        stop_on(c);
    else if (s->phase == SENDING)
        conn_wait(c, s->cut_at_ms - conn_now_ms());
    else if (s->phase == BODY || s->phase == LATER)
        wait_serving(c, s->due_ms - conn_now_ms());
}

/* --- time, and what else happens ----------------------------------------------------------------------------------- */

static void tick(struct conn *c)
{
    struct state *s = conn_state(c);
    if (s->stopping && (s->phase == READS || s->phase == SWALLOWS))
        stop_on(c);
    else if (s->stopping && s->phase != RESETS && conn_now_ms() >= s->cut_at_ms)
        conn_end_now(c);
    else if (s->phase == LATER)
        send_answer(c);
    else if (s->phase == BODY)
        refuse(c, 400);
    else if (s->phase == RESETS)
        conn_end_rst(c);
    else if (s->phase == SENDING)
        conn_end_now(c);
    else
        end(c);
}

/* Others are answered all the same. */
static void peer_closed(struct conn *c)
{
    const struct state *s = conn_state(c);
    if (s->phase == BODY)
        refuse(c, 400);
}

static void capacity(const void *all, struct capacity *out)
{
    const struct tomcat *o = all;
    out->open = o->max_connections > 0 ? (uint64_t)o->max_connections : 0;
    out->backlog = o->accept_count;
}

BEHAVIOUR(tomcat) = {
    .name = "tomcat",
    .summary = "answers as Tomcat does, with its connector's attributes as options",
    .options = options,
    .options_bytes = sizeof(struct tomcat),
    .state_bytes = sizeof(struct state),
    .accepted = accepted,
    .reading = reading,
    .head = head,
    .request = request,
    .wrong = wrong,
    .sending = sending,
    .responded = responded,
    .tick = tick,
    .peer_closed = peer_closed,
    .orders = orders,
    .ordered = ordered,
    .capacity = capacity,
};
