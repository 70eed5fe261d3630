/* nginx as it is on the wire, with its directives as options: nginx documentation, ngx_http_core_module, and observed on nginx
 * 1.22.1. Its answers lack the Date, and its error pages are the mock's bodies. Not imitated, because the parser is stricter:
 * methods of one's own, malformed header names (nginx ignores such lines), bare line feeds, HTTP/0.9, HTTP/1.2 (served as 1.1). */
#include "behaviour.h"
#include "profiles/nginx_rules.h"

#include <math.h>
#include <stdio.h>

/* --- directives ---------------------------------------------------------------------------------------------------- */

/* What a location may set for itself. */
struct location {
    double keepalive_timeout_ms;
    uint64_t header_timeout_s;
    uint64_t keepalive_requests;
    double keepalive_time_ms;
};

struct nginx {
    struct location main, more;
    unsigned keepalive_disable;
    unsigned lingering_close;
    double lingering_timeout_ms;
    double lingering_time_ms;
    double client_header_timeout_ms;
    double client_body_timeout_ms;
    double send_timeout_ms;
    uint64_t client_max_body_size_bytes;
    bool reset_timedout_connection;
    uint64_t worker_connections;
    uint64_t sndbuf_bytes;
};

enum { LINGERING_ON, LINGERING_ALWAYS, LINGERING_OFF };

#define OPTION_AT(name, type, member, initial, help) {name, type, offsetof(struct nginx, member), initial, help, NULL}

static const struct option options[] = {
    OPTION_AT("keepalive_timeout_ms", OPTION_MS, main.keepalive_timeout_ms, "75000", "idle so long, closed; 0: no keep-alive"),
    OPTION_AT("header_timeout_s", OPTION_COUNT, main.header_timeout_s, "0",
              "keepalive_timeout's second argument: says Keep-Alive: timeout=N, whatever the first is; 0: says nothing"),
    OPTION_AT("keepalive_requests", OPTION_COUNT, main.keepalive_requests, "1000", "the last one says close; 0 is as good as 1"),
    OPTION_AT("keepalive_time_ms", OPTION_MS, main.keepalive_time_ms, "3600000",
              "a request that begins later than this after the accept is the last one"),
    OPTION_AT("more_keepalive_timeout_ms", OPTION_MS, more.keepalive_timeout_ms, "75000", "the same for the location /more"),
    OPTION_AT("more_header_timeout_s", OPTION_COUNT, more.header_timeout_s, "0", "likewise"),
    OPTION_AT("more_keepalive_requests", OPTION_COUNT, more.keepalive_requests, "1000", "likewise"),
    OPTION_AT("more_keepalive_time_ms", OPTION_MS, more.keepalive_time_ms, "3600000", "likewise"),
    OPTION_ONE_OF("msie6|safari|both|none", struct nginx, keepalive_disable, "msie6", "browsers that get no keep-alive"),
    OPTION_ONE_OF("on|always|off", struct nginx, lingering_close, "on", "whether late bytes are absorbed behind the FIN"),
    OPTION(OPTION_MS, struct nginx, lingering_timeout_ms, "5000", "... until the client is quiet for so long"),
    OPTION(OPTION_MS, struct nginx, lingering_time_ms, "30000", "... and for no longer than this"),
    OPTION(OPTION_MS, struct nginx, client_header_timeout_ms, "60000", "from a request's first byte to the end of its head"),
    OPTION(OPTION_MS, struct nginx, client_body_timeout_ms, "60000", "between two pieces of a body that is being read"),
    OPTION(OPTION_MS, struct nginx, send_timeout_ms, "60000", "between two pieces of a response that the client takes in"),
    OPTION(OPTION_COUNT, struct nginx, client_max_body_size_bytes, "1048576", "more is answered 413; 0: any size"),
    OPTION(OPTION_BOOL, struct nginx, reset_timedout_connection, "false", "RST, not FIN, when a request times out"),
    OPTION(OPTION_COUNT, struct nginx, worker_connections, "512",
           "when few are left, idle ones are closed, those that have idled longest first; 0: any number"),
    OPTION(OPTION_COUNT, struct nginx, sndbuf_bytes, "0",
           "listen's sndbuf: what the kernel takes of a response that nobody reads; 0: as the kernel likes"),
    {0},
};

/* --- a connection -------------------------------------------------------------------------------------------------- */

enum phase {
    FRESH,    /* no byte has come */
    HEAD,     /* a request's head is coming */
    BODY,     /* it is answered when the body is there */
    LATER,    /* it is answered when the time has come */
    SENDING,  /* the answer is on its way */
    DISCARDS, /* the answer is out, and the body still coming */
    IDLE,
};

struct state {
    enum phase phase;
    double since_ms;      /* it became idle, or began to discard */
    double discards_until_ms;
    double quits_at_ms;   /* its worker quits; 0: does not */
    bool pipelined;       /* ever */
    bool body_announced;
    struct answer answer; /* for later */
    char fields[192];
};

static const struct location *location_of(const struct conn *c, enum asked asked)
{
    const struct nginx *o = conn_options(c);
    return asked == ASKED_MORE ? &o->more : &o->main;
}

static bool is_quitting(const struct state *s) { return s->quits_at_ms > 0 && conn_now_ms() >= s->quits_at_ms; }

/* --- the end of a connection --------------------------------------------------------------------------------------- */

static void end(struct conn *c)
{
    const struct nginx *o = conn_options(c);
    const struct state *s = conn_state(c);
    size_t unread = conn_unread_bytes(c);
    bool pending = unread || s->pipelined || s->body_announced;
    if (o->lingering_close == LINGERING_ALWAYS || (o->lingering_close == LINGERING_ON && pending))
        conn_linger(c, &(struct lingering){.quiet_ms = o->lingering_timeout_ms, .total_ms = o->lingering_time_ms});
    else if (unread > 1024) /* more than its buffer took: closed with bytes unread in the kernel */
        conn_end_rst(c);
    else
        conn_end_fin(c);
}

static void time_out(struct conn *c)
{
    const struct nginx *o = conn_options(c);
    if (o->reset_timedout_connection)
        conn_end_rst(c);
    else
        conn_end_now(c);
}

/* --- idle ---------------------------------------------------------------------------------------------------------- */

/* A timer that runs is not set again for less than this (NGX_TIMER_LAZY_DELAY): behind a body that was dropped, the lingering
 * timer may so end the connection in the stead of keepalive_timeout. */
#define TIMER_LAZY_MS 300

static void become_idle(struct conn *c, double timeout_ms)
{
    struct state *s = conn_state(c);
    double left_ms = s->discards_until_ms - conn_now_ms();
    if (s->phase == DISCARDS && fabs(left_ms - timeout_ms) < TIMER_LAZY_MS)
        timeout_ms = left_ms;
    s->phase = IDLE;
    s->since_ms = conn_now_ms();
    if (s->quits_at_ms > 0 && s->quits_at_ms - s->since_ms < timeout_ms)
        timeout_ms = s->quits_at_ms - s->since_ms;
    conn_wait(c, timeout_ms > 0 ? timeout_ms : 0);
}

/* --- worker_connections -------------------------------------------------------------------------------------------- */

/* What a worker needs besides: the listening socket and the channel to its master. */
#define OWN_CONNECTIONS 2

struct crowd {
    const struct conn *newcomer;
    uint64_t idle;
    struct conn *longest;
    double since_ms;
};

static void count_idle(struct conn *c, void *user)
{
    struct crowd *crowd = user;
    const struct state *s = conn_state(c);
    if (c == crowd->newcomer || !conn_is_idle(c))
        return;
    if (crowd->idle++ == 0 || s->since_ms < crowd->since_ms) {
        crowd->longest = c;
        crowd->since_ms = s->since_ms;
    }
}

static void end_longest(struct conn *c, void *user)
{
    if (c == ((const struct crowd *)user)->longest)
        conn_end_fin(c);
}

/* Closes idle connections where few are left for newcomers. Returns whether there is one for c. */
static bool find_room(struct conn *c)
{
    uint64_t all = ((const struct nginx *)conn_options(c))->worker_connections;
    uint64_t used = conn_siblings(c) - 1 + OWN_CONNECTIONS;
    uint64_t left = used < all ? all - used : 0;
    struct crowd crowd = {.newcomer = c};
    if (all == 0 || left > all / 16)
        return true;
    conn_visit_siblings(c, count_idle, &crowd);
    uint64_t goes = crowd.idle / 8 > 32 ? 32 : crowd.idle / 8 ? crowd.idle / 8 : crowd.idle ? 1 : 0;
    for (uint64_t i = 0; i < goes; i++) {
        crowd = (struct crowd){.newcomer = c};
        conn_visit_siblings(c, count_idle, &crowd);
        conn_visit_siblings(c, end_longest, &crowd);
    }
    return left + goes > 0;
}

static void accepted(struct conn *c)
{
    const struct nginx *o = conn_options(c);
    struct state *s = conn_state(c);
    s->since_ms = conn_now_ms();
    if (find_room(c))
        conn_wait(c, o->client_header_timeout_ms);
    else
        conn_end_fin(c);
}

/* --- what a request gets ------------------------------------------------------------------------------------------- */

static struct nginx_request request_of(const struct conn *c)
{
    size_t bytes;
    const char *head = conn_head(c, &bytes);
    return nginx_request(head, bytes);
}

/* keepalive_time is looked at when the location is chosen, before the request is served, and counts from the accept. */
static bool location_keeps(struct conn *c, const struct nginx_request *r)
{
    const struct nginx *o = conn_options(c);
    const struct location *l = location_of(c, r->asked);
    return r->asked != ASKED_CLOSE && l->keepalive_timeout_ms > 0 && conn_requests(c) < l->keepalive_requests &&
           conn_age_ms(c) <= l->keepalive_time_ms && !nginx_disables(r, o->keepalive_disable);
}

/* --- answering ----------------------------------------------------------------------------------------------------- */

static void send_answer(struct conn *c)
{
    struct state *s = conn_state(c);
    struct answer a = s->answer;
    uint64_t header_timeout_s = location_of(c, request_of(c).asked)->header_timeout_s;
    if (is_quitting(s))
        s->answer.keep = a.keep = false;
    int at = snprintf(s->fields, sizeof s->fields, "Server: nginx\r\nConnection: %s\r\n",
                      a.status == 101 ? "upgrade\r\nUpgrade: poolspec" : a.keep ? "keep-alive" : "close");
    if (a.keep && a.status != 101 && header_timeout_s)
        snprintf(s->fields + at, sizeof s->fields - (size_t)at, "Keep-Alive: timeout=%llu\r\n",
                 (unsigned long long)header_timeout_s);
    a.reason = status_reason(a.status);
    a.fields = s->fields;
    s->phase = SENDING;
    conn_stop_waiting(c);
    conn_answer(c, &a);
}

/* A request that nothing is served for. */
static void refuse(struct conn *c, unsigned status)
{
    struct state *s = conn_state(c);
    s->answer = (struct answer){.status = status};
    send_answer(c);
}

static void answer_status(struct conn *c, unsigned status, bool unread_body)
{
    struct state *s = conn_state(c);
    if (status == 408 || status == 444) { /* not a byte */
        if (unread_body)
            conn_end_rst(c);
        else
            conn_end_fin(c);
        return;
    }
    s->answer.status = status;
    s->answer.keep = s->answer.keep && !nginx_status_closes(status);
    if (status == 304)
        s->answer.empty = true; /* with the length of a body that is not there */
    else if (status < 300)
        s->answer.framing = status_has_body(status) ? FRAMING_EMPTY : FRAMING_NONE;
    send_answer(c);
}

static void answer_what_is_asked(struct conn *c, const struct nginx_request *r)
{
    const struct nginx *o = conn_options(c);
    struct state *s = conn_state(c);
    struct text value;
    switch (r->asked) {
    case ASKED_STATUS:
        answer_status(c, (unsigned)r->number, !conn_request_is_whole(c));
        return;
    case ASKED_BIG:
        s->answer.body_bytes = r->number;
        break;
    case ASKED_UNKNOWN_LENGTH:
        s->answer.body_bytes = 100;
        s->answer.framing = r->is_1_1 && !s->answer.empty ? FRAMING_CHUNKED : FRAMING_END;
        s->answer.keep = s->answer.keep && r->is_1_1;
        break;
    case ASKED_UPGRADE:
        if (head_field(r->head, r->bytes, "Upgrade", 0, &value)) {
            s->answer.status = 101;
            s->answer.framing = FRAMING_NONE;
            conn_switch_protocol(c);
        }
        break;
    case ASKED_SLOW:
        s->phase = LATER;
        conn_wait(c, (double)r->number);
        return;
    case ASKED_READ_BODY:
        if (conn_request_is_whole(c))
            break;
        s->phase = BODY;
        conn_wait(c, o->client_body_timeout_ms);
        if (r->is_1_1 && head_field(r->head, r->bytes, "Expect", 0, &value))
            conn_continue(c, "Continue");
        return;
    default:
        break;
    }
    send_answer(c);
}

static void head(struct conn *c)
{
    const struct nginx *o = conn_options(c);
    struct state *s = conn_state(c);
    struct nginx_request r = request_of(c);
    unsigned refused = nginx_refuses(&r, o->client_max_body_size_bytes);
    s->body_announced = r.announces_body;
    if (refused) {
        s->body_announced = s->body_announced || !nginx_reads_all(&r, refused);
        refuse(c, refused);
        return;
    }
    s->answer = (struct answer){
        .status = 200, .empty = text_is(r.line.method, "HEAD"), .keep = nginx_client_keeps(&r) && location_keeps(c, &r),
    };
    answer_what_is_asked(c, &r);
}

static void wrong(struct conn *c)
{
    struct state *s = conn_state(c);
    struct nginx_request r = request_of(c);
    s->body_announced = !nginx_reads_all(&r, nginx_wrong_status(&r)); /* what follows is not looked at */
    refuse(c, nginx_wrong_status(&r));
}

/* --- what happens -------------------------------------------------------------------------------------------------- */

static void go_on(struct conn *c)
{
    struct state *s = conn_state(c);
    if (!s->answer.keep || is_quitting(s))
        end(c);
    else if (conn_unread_bytes(c))
        s->pipelined = true;
    else
        become_idle(c, location_of(c, request_of(c).asked)->keepalive_timeout_ms);
}

static void discard_on(struct conn *c)
{
    const struct nginx *o = conn_options(c);
    struct state *s = conn_state(c);
    double left_ms = s->since_ms + o->lingering_time_ms - conn_now_ms();
    left_ms = left_ms < 0 ? 0 : left_ms < o->lingering_timeout_ms ? left_ms : o->lingering_timeout_ms;
    s->discards_until_ms = conn_now_ms() + left_ms;
    conn_wait(c, left_ms);
}

/* The first head has to be there in time counted from the accept, each later one counted from its first byte. */
static void reading(struct conn *c, enum part part)
{
    const struct nginx *o = conn_options(c);
    struct state *s = conn_state(c);
    if (part == PART_FIRST) {
        double spent_ms = s->phase == FRESH ? conn_age_ms(c) : 0;
        s->phase = HEAD;
        conn_wait(c, spent_ms < o->client_header_timeout_ms ? o->client_header_timeout_ms - spent_ms : 0);
    } else if (s->phase == BODY) {
        conn_wait(c, o->client_body_timeout_ms);
    } else if (s->phase == DISCARDS) {
        discard_on(c);
    }
}

static void request(struct conn *c)
{
    struct state *s = conn_state(c);
    if (s->phase == BODY)
        send_answer(c);
    else if (s->phase == DISCARDS)
        go_on(c);
}

static void sending(struct conn *c)
{
    const struct nginx *o = conn_options(c);
    conn_wait(c, o->send_timeout_ms);
}

static void responded(struct conn *c)
{
    struct state *s = conn_state(c);
    conn_stop_waiting(c);
    if (s->answer.status == 101)
        return;
    if (!conn_request_is_whole(c)) {
        s->phase = DISCARDS;
        s->since_ms = conn_now_ms();
        discard_on(c);
    } else {
        go_on(c);
    }
}

static void tick(struct conn *c)
{
    struct state *s = conn_state(c);
    if (s->phase == LATER)
        send_answer(c);
    else if (s->phase == FRESH || s->phase == IDLE)
        conn_end_fin(c);
    else
        time_out(c);
}

static void capacity(const void *all, struct capacity *out)
{
    const struct nginx *o = all;
    out->send_buffer_bytes = o->sndbuf_bytes;
}

/* --- orders -------------------------------------------------------------------------------------------------------- */

/* reload: the new workers have 100 ms to start before the old ones quit. */
#define RELOAD_MS 100

static const struct order orders[] = {{"reload", ORDER_LISTEN}, {"quit", ORDER_UNLISTEN}, {"stop", ORDER_UNLISTEN}, {0}};

static void ordered(struct conn *c, const struct order *order)
{
    struct state *s = conn_state(c);
    if (order == &orders[2]) {
        conn_end_now(c);
        return;
    }
    double in_ms = order == &orders[0] ? RELOAD_MS : 0;
    s->quits_at_ms = conn_now_ms() + in_ms;
    if (s->phase == IDLE && conn_is_idle(c))
        conn_wait(c, in_ms);
}

BEHAVIOUR(nginx) = {
    .name = "nginx",
    .summary = "answers as nginx does, with its directives as options",
    .options = options,
    .options_bytes = sizeof(struct nginx),
    .state_bytes = sizeof(struct state),
    .accepted = accepted,
    .reading = reading,
    .head = head,
    .request = request,
    .wrong = wrong,
    .sending = sending,
    .responded = responded,
    .tick = tick,
    .orders = orders,
    .ordered = ordered,
    .capacity = capacity,
};
