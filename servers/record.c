#include "record.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

static uint64_t now(const struct record *r) { return r->level == RECORD_TOTALS ? 0 : clock_now_ns(); }

/* --- which events are told ----------------------------------------------------------------------------------------- */

static bool told(const struct record_page *p)
{
    return p->in->out && (p->in->level == RECORD_EVENTS || (p->in->level == RECORD_COUNTERS && p->watched));
}

static bool violation_told(const struct record_page *p)
{
    struct record *r = p->in;
    return r->out && (r->level == RECORD_EVENTS || (r->level == RECORD_COUNTERS && r->violations++ < RECORD_VIOLATIONS_MAX));
}

static bool request_told(const struct record_page *p)
{
    return told(p) && (p->in->level == RECORD_EVENTS || p->in->requests <= RECORD_REQUESTS_MAX);
}

/* Returns whether it did. */
static bool begin(struct trace_line *l, bool wanted, const struct record_page *p, uint64_t t, const char *ev)
{
    if (!wanted)
        return false;
    trace_begin(l, t, ev);
    trace_text(l, "listener", p->in->listener);
    trace_number(l, "conn", p->conn);
    return true;
}

static void tell(const struct record_page *p, uint64_t t, const char *ev)
{
    struct trace_line l;
    if (begin(&l, told(p), p, t, ev))
        trace_end(&l, p->in->out);
}

static void tell_text(const struct record_page *p, uint64_t t, const char *ev, const char *key, const char *text)
{
    struct trace_line l;
    if (!begin(&l, told(p), p, t, ev))
        return;
    trace_text(&l, key, text);
    trace_end(&l, p->in->out);
}

/* --- a connection's page ------------------------------------------------------------------------------------------- */

static void fault(struct record_page *p, uint64_t t, const char *what)
{
    if (p->fault)
        return;
    p->fault = what;
    p->fault_t = t;
}

static void used_after_fault(struct record_page *p, uint64_t t)
{
    if (p->requests_after_fault++ == 0)
        p->first_after_fault_t = t;
}

static void ended(struct record_page *p, uint64_t t, const char *how)
{
    if (p->end)
        return;
    p->end = how;
    p->end_t = t;
    p->in->open--;
}

void record_accepted(struct record *r, struct record_page *p, uint32_t conn, unsigned peer)
{
    struct trace_line l;
    *p = (struct record_page){.in = r, .conn = conn, .peer = peer, .accepted_t = now(r)};
    p->watched = r->requests < RECORD_REQUESTS_MAX;
    r->accepted++;
    if (++r->open > r->peak_open)
        r->peak_open = r->open;
    if (!begin(&l, told(p), p, p->accepted_t, "accepted"))
        return;
    trace_number(&l, "peer", peer);
    trace_end(&l, r->out);
}

void record_request(struct record_page *p, const char *method, const char *target, size_t target_bytes, size_t bytes)
{
    struct trace_line l;
    p->requests++;
    p->in->requests++;
    p->last_request_t = now(p->in);
    if (p->fault)
        used_after_fault(p, p->last_request_t);
    if (!begin(&l, p->fault ? violation_told(p) : request_told(p), p, p->last_request_t, "request"))
        return;
    trace_number(&l, "req", p->requests);
    trace_text(&l, "method", method);
    trace_bytes(&l, "target", target, target_bytes);
    trace_number(&l, "bytes", bytes);
    trace_end(&l, p->in->out);
}

void record_response(struct record_page *p, unsigned status, size_t bytes, bool keep, bool complete)
{
    struct trace_line l;
    p->responses++;
    p->in->responses++;
    p->last_response_t = now(p->in);
    if (!begin(&l, request_told(p), p, p->last_response_t, "response"))
        return;
    trace_number(&l, "req", p->requests);
    trace_number(&l, "status", status);
    trace_number(&l, "bytes", bytes);
    trace_bool(&l, "keep", keep);
    trace_text(&l, "end", complete ? "complete" : "truncated");
    trace_end(&l, p->in->out);
}

void record_stray(struct record_page *p, size_t bytes, const char *what)
{
    struct trace_line l;
    uint64_t t = now(p->in);
    p->in->stray++;
    fault(p, t, "stray");
    if (!begin(&l, told(p), p, t, "stray"))
        return;
    trace_number(&l, "bytes", bytes);
    trace_text(&l, "what", what);
    trace_end(&l, p->in->out);
}

void record_fin_sent(struct record_page *p, bool half)
{
    struct trace_line l;
    uint64_t t = now(p->in);
    p->in->fin_sent++;
    fault(p, t, "fin");
    ended(p, t, "fin_sent");
    if (!begin(&l, told(p), p, t, "fin_sent"))
        return;
    trace_bool(&l, "half", half);
    trace_end(&l, p->in->out);
}

void record_rst_sent(struct record_page *p)
{
    uint64_t t = now(p->in);
    p->in->rst_sent++;
    fault(p, t, "rst");
    ended(p, t, "rst_sent");
    tell(p, t, "rst_sent");
}

void record_fin_seen(struct record_page *p)
{
    uint64_t t = now(p->in);
    p->in->fin_seen++;
    ended(p, t, "fin_seen");
    tell(p, t, "fin_seen");
}

void record_rst_seen(struct record_page *p, int err)
{
    uint64_t t = now(p->in);
    p->in->rst_seen++;
    ended(p, t, "rst_seen");
    tell_text(p, t, "rst_seen", "errno", strerrorname_np(err));
}

void record_late(struct record_page *p, size_t bytes)
{
    struct trace_line l;
    uint64_t t = now(p->in);
    p->in->late++;
    used_after_fault(p, t);
    if (!begin(&l, violation_told(p), p, t, "late"))
        return;
    trace_number(&l, "bytes", bytes);
    trace_end(&l, p->in->out);
}

void record_wrong(struct record_page *p, size_t bytes, const char *why)
{
    struct trace_line l;
    p->in->wrong++;
    if (!begin(&l, violation_told(p), p, now(p->in), "wrong"))
        return;
    trace_number(&l, "bytes", bytes);
    trace_text(&l, "why", why);
    trace_end(&l, p->in->out);
}

void record_switched(struct record_page *p, size_t bytes)
{
    struct trace_line l;
    if (!begin(&l, told(p), p, now(p->in), "switched"))
        return;
    trace_number(&l, "bytes", bytes);
    trace_end(&l, p->in->out);
}

void record_gate(struct record_page *p, const char *gate) { tell_text(p, now(p->in), "gate", "gate", gate); }

void record_mark(struct record_page *p, const char *mark) { tell_text(p, now(p->in), "mark", "mark", mark); }

void record_abandoned(struct record *r, unsigned connections)
{
    struct trace_line l;
    if (!r->out || r->level < RECORD_COUNTERS)
        return;
    trace_begin(&l, now(r), "abandoned");
    trace_text(&l, "listener", r->listener);
    trace_number(&l, "connections", connections);
    trace_end(&l, r->out);
}

void record_closed(struct record_page *p)
{
    struct record *r = p->in;
    tell(p, now(r), "closed");
    if (r->level == RECORD_TOTALS || !r->out)
        return;
    if (r->closed_count == r->closed_room) {
        r->closed_room = r->closed_room ? r->closed_room * 2 : 64;
        r->closed = realloc(r->closed, r->closed_room * sizeof *r->closed);
        if (!r->closed)
            abort(); /* the counters are exact or nothing */
    }
    r->closed[r->closed_count++] = *p;
}

/* --- the books ----------------------------------------------------------------------------------------------------- */

json_t *record_books(const struct record *r)
{
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {
        {"accepted", r->accepted}, {"requests", r->requests}, {"responses", r->responses}, {"open", r->open},
        {"peak_open", r->peak_open}, {"stray", r->stray}, {"fin_sent", r->fin_sent}, {"rst_sent", r->rst_sent},
        {"fin_seen", r->fin_seen}, {"rst_seen", r->rst_seen}, {"late", r->late}, {"wrong", r->wrong},
    };
    json_t *books = json_object();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(books, counts[i].name, json_integer((json_int_t)counts[i].count));
    return books;
}

static void text_or_null(struct trace_line *l, const char *key, const char *text)
{
    if (text)
        trace_text(l, key, text);
    else
        trace_null(l, key);
}

static void time_or_null(struct trace_line *l, const char *key, uint64_t t)
{
    if (t)
        trace_number(l, key, t);
    else
        trace_null(l, key);
}

void record_tell_page(const struct record_page *p)
{
    struct trace_line l;
    if (!begin(&l, p->in->out && p->in->level != RECORD_TOTALS, p, now(p->in), "conn_books"))
        return;
    trace_number(&l, "peer", p->peer);
    trace_number(&l, "requests", p->requests);
    trace_number(&l, "responses", p->responses);
    trace_number(&l, "accepted_t", p->accepted_t);
    time_or_null(&l, "last_request_t", p->last_request_t);
    time_or_null(&l, "last_response_t", p->last_response_t);
    text_or_null(&l, "fault", p->fault);
    time_or_null(&l, "fault_t", p->fault_t);
    trace_number(&l, "requests_after_fault", p->requests_after_fault);
    time_or_null(&l, "first_after_fault_t", p->first_after_fault_t);
    trace_text(&l, "end", p->end ? p->end : "open");
    time_or_null(&l, "end_t", p->end_t);
    trace_end(&l, p->in->out);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = ((const struct record_page *)a)->conn, y = ((const struct record_page *)b)->conn;
    return x < y ? -1 : x > y;
}

void record_tell_closed(struct record *r)
{
    if (r->closed_count)
        qsort(r->closed, r->closed_count, sizeof *r->closed, by_number);
    for (size_t i = 0; i < r->closed_count; i++)
        record_tell_page(&r->closed[i]);
}

void record_free(struct record *r)
{
    free(r->closed);
}
