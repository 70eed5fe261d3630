/* http1.h - reads HTTP/1.x messages piece by piece, over llhttp.
 *
 * It tells where a message ends, so bytes behind it are found for free, and whether the connection may persist
 * (RFC 9112 section 9.3). It keeps no copy of what it reads: bodies and header fields go to optional hooks. */
#ifndef HTTP1_H
#define HTTP1_H

#include <llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http1_kind { HTTP1_REQUEST, HTTP1_RESPONSE };

enum http1_state {
    HTTP1_MORE, /* the message goes on */
    HTTP1_DONE, /* the message has ended; bytes that were not used do not belong to it */
    HTTP1_BAD,  /* not HTTP/1.x, or cut short: http1_error says why */
};

/* All hooks are optional; strings are pieces, borrowed for the call. */
struct http1_hooks {
    void (*target)(void *user, const char *piece, size_t bytes);      /* request target, maybe in several pieces */
    void (*field_name)(void *user, const char *piece, size_t bytes);
    void (*field_value)(void *user, const char *piece, size_t bytes);
    void (*head_done)(void *user);
    void (*body)(void *user, const char *piece, size_t bytes);
};

#define HTTP1_HEAD_CACHE_BYTES 1024

struct http1 {
    /* For the reader's user to read, once the head is done. */
    unsigned status;         /* responses */
    unsigned method;         /* requests: an llhttp_method_t; llhttp_method_name names it */
    unsigned major, minor;
    bool head_done;
    bool keep_alive;         /* the message's own word on it; valid when DONE */
    bool until_close;        /* the body ends with the connection: it can never be reused */
    uint64_t body_bytes;     /* of body so far */
    /* Private. */
    llhttp_t parser;
    const struct http1_hooks *hooks;
    void *user;
    enum http1_kind kind;
    bool skip_body;
    bool started;
    uint64_t cached_left;    /* body bytes still to come of a message whose head was taken from the cache */
    bool from_cache;
    struct http1_head_cache *cache;
};

/* The last response head that was parsed in full: a head that is byte for byte the same has the same framing, and a
 * memcmp replaces the parser. Shared by the readers of one thread; zeroed to begin with. Only used by readers whose hooks
 * ask for neither field names nor values. */
struct http1_head_cache {
    size_t bytes;
    char head[HTTP1_HEAD_CACHE_BYTES];
    unsigned status, major, minor;
    bool keep_alive;
    uint64_t body_bytes;
};

/* Readies h for one message; may be called again and again on the same h. `hooks` and `cache` may be NULL.
 * skip_body: the answer to a HEAD, which has none whatever its header says (RFC 9112 section 6.3). */
void http1_init(struct http1 *h, enum http1_kind kind, const struct http1_hooks *hooks, void *user, bool skip_body,
                struct http1_head_cache *cache);

/* Feeds bytes; *used says how many belong to this message. */
enum http1_state http1_feed(struct http1 *h, const char *data, size_t bytes, size_t *used);

/* The connection has ended. DONE where that is how the message ends, BAD where it was cut short (RFC 9112 section 8). */
enum http1_state http1_finish(struct http1 *h);

/* Whether any byte of the message has arrived. */
static inline bool http1_started(const struct http1 *h) { return h->started; }

/* A sentence, static. */
const char *http1_error(const struct http1 *h);

#endif
