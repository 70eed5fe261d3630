/* record.h - what happened on the wire: counted always, told to the trace where it is wanted.
 *
 * Causes (response, stray, fin_sent, rst_sent) are recorded before the call that makes them, and so is their time;
 * observations after it. Bookkeeping only: nothing here touches a connection. */
#ifndef RECORD_H
#define RECORD_H

#include "trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_level {
    RECORD_TOTALS,   /* "none": the listener's totals, no clock is read */
    RECORD_PAGES,    /* "pages": a page for each connection, told at the end, and no event */
    RECORD_COUNTERS, /* "counters": a page for each connection; events of the first requests and of each violation */
    RECORD_EVENTS,   /* "full": and every event */
};

/* In RECORD_COUNTERS, events are told of so many requests and, apart from them, so many violations. */
#define RECORD_REQUESTS_MAX 1000
#define RECORD_VIOLATIONS_MAX 1000

/* One connection. Times are 0 where the thing never happened. */
struct record_page {
    struct record *in;
    uint32_t conn, peer;
    bool watched; /* its events are told although the level is RECORD_COUNTERS */
    uint64_t accepted_t;
    uint64_t requests, last_request_t;
    uint64_t responses, last_response_t;
    const char *fault; /* the first thing after which nobody may use the connection: "fin", "rst", "stray" */
    uint64_t fault_t;
    uint64_t requests_after_fault, first_after_fault_t;
    const char *end; /* the first end, either side's: the event's name; NULL while open */
    uint64_t end_t;
};

/* A listener. `open` counts the connections that neither side has ended. */
struct record {
    const char *listener;
    enum record_level level;
    struct jsonl *out; /* NULL: nobody reads a trace */
    uint64_t accepted, requests, responses, open, peak_open;
    uint64_t stray, fin_sent, rst_sent, fin_seen, rst_seen, late, wrong;
    uint64_t violations;
    struct record_page *closed; /* the pages of connections that are gone */
    size_t closed_count, closed_room;
};

/* `page` is the caller's; it is copied when the connection closes. */
void record_accepted(struct record *r, struct record_page *page, uint32_t conn, unsigned peer);
void record_request(struct record_page *page, const char *method, const char *target, size_t target_bytes, size_t bytes);
void record_response(struct record_page *page, unsigned status, size_t bytes, bool keep, bool complete);
void record_stray(struct record_page *page, size_t bytes, const char *what);
void record_fin_sent(struct record_page *page, bool half);
void record_rst_sent(struct record_page *page);
void record_fin_seen(struct record_page *page);
void record_rst_seen(struct record_page *page, int err);
void record_late(struct record_page *page, size_t bytes);
/* Bytes that are no HTTP request. */
void record_wrong(struct record_page *page, size_t bytes, const char *why);
/* Bytes of another protocol, on a connection that has switched to it. */
void record_switched(struct record_page *page, size_t bytes);
void record_gate(struct record_page *page, const char *gate);
void record_mark(struct record_page *page, const char *mark);
void record_closed(struct record_page *page);

/* A cause: the listener is about to go, and its kernel to reset the connections that wait in its queue. */
void record_abandoned(struct record *r, unsigned connections);

/* The totals, as an object of the caller's. */
json_t *record_books(const struct record *r);

/* Tells the page of one connection that is still there, or of all that are gone, in the order in which they came. */
void record_tell_page(const struct record_page *page);
void record_tell_closed(struct record *r);

void record_free(struct record *r);

#endif
