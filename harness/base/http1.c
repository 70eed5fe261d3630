#include "base/http1.h"

#include <string.h>

static void piece_to(void (*hook)(void *, const char *, size_t), const llhttp_t *parser, const char *at, size_t n)
{
    const struct http1 *h = parser->data;
    if (hook)
        hook(h->user, at, n);
}

static int on_url(llhttp_t *p, const char *at, size_t n)
{
    const struct http1 *h = p->data;
    piece_to(h->hooks ? h->hooks->target : NULL, p, at, n);
    return 0;
}

static int on_field(llhttp_t *p, const char *at, size_t n)
{
    const struct http1 *h = p->data;
    piece_to(h->hooks ? h->hooks->field_name : NULL, p, at, n);
    return 0;
}

static int on_value(llhttp_t *p, const char *at, size_t n)
{
    const struct http1 *h = p->data;
    piece_to(h->hooks ? h->hooks->field_value : NULL, p, at, n);
    return 0;
}

static bool is_interim(const struct http1 *h)
{
    return h->kind == HTTP1_RESPONSE && h->status / 100 == 1 && h->status != 101;
}

static int on_head(llhttp_t *p)
{
    struct http1 *h = p->data;
    h->status = (unsigned)p->status_code;
    h->method = p->method;
    h->major = p->http_major;
    h->minor = p->http_minor;
    if (is_interim(h))
        return 0;
    h->head_done = true;
    h->until_close = !h->skip_body && llhttp_message_needs_eof(p);
    if (h->hooks && h->hooks->head_done)
        h->hooks->head_done(h->user);
    return h->skip_body ? 1 : 0;
}

static int on_body(llhttp_t *p, const char *at, size_t n)
{
    struct http1 *h = p->data;
    h->body_bytes += n;
    piece_to(h->hooks ? h->hooks->body : NULL, p, at, n);
    return 0;
}

static int on_complete(llhttp_t *p)
{
    struct http1 *h = p->data;
    if (is_interim(h))
        return 0; /* 100 and its like announce the message, they are not it (RFC 9110 section 15.2) */
    h->keep_alive = !h->until_close && llhttp_should_keep_alive(p);
    return HPE_PAUSED;
}

static const llhttp_settings_t *settings(void)
{
    static llhttp_settings_t s;
    static bool ready;
    if (!ready) {
        llhttp_settings_init(&s);
        s.on_url = on_url;
        s.on_header_field = on_field;
        s.on_header_value = on_value;
        s.on_headers_complete = on_head;
        s.on_body = on_body;
        s.on_message_complete = on_complete;
        ready = true;
    }
    return &s;
}

void http1_init(struct http1 *h, enum http1_kind kind, const struct http1_hooks *hooks, void *user, bool skip_body,
                struct http1_head_cache *cache)
{
    h->status = h->method = h->major = h->minor = 0;
    h->head_done = h->keep_alive = h->until_close = h->started = h->from_cache = false;
    h->body_bytes = 0;
    h->cached_left = 0;
    h->hooks = hooks;
    h->user = user;
    h->kind = kind;
    h->skip_body = skip_body;
    h->cache = skip_body || (hooks && (hooks->field_name || hooks->field_value)) ? NULL : cache;
}

static enum http1_state take_cached_body(struct http1 *h, const char *data, size_t bytes, size_t *used)
{
    size_t take = bytes < h->cached_left ? bytes : (size_t)h->cached_left;
    h->cached_left -= take;
    h->body_bytes += take;
    *used += take;
    if (take && h->hooks && h->hooks->body)
        h->hooks->body(h->user, data, take);
    return h->cached_left ? HTTP1_MORE : HTTP1_DONE;
}

static bool head_is_cached(const struct http1 *h, const char *data, size_t bytes)
{
    const struct http1_head_cache *c = h->cache;
    return c && c->bytes && bytes >= c->bytes && memcmp(data, c->head, c->bytes) == 0;
}

static void take_cached_head(struct http1 *h)
{
    const struct http1_head_cache *c = h->cache;
    h->status = c->status;
    h->major = c->major;
    h->minor = c->minor;
    h->keep_alive = c->keep_alive;
    h->cached_left = c->body_bytes;
    h->head_done = h->from_cache = true;
    if (h->hooks && h->hooks->head_done)
        h->hooks->head_done(h->user);
}

/* Only a message that came whole and is a head plus exactly its counted body: that rules out chunked bodies and interim
 * responses without looking for either. */
static void remember_head(const struct http1 *h, const char *data, size_t used)
{
    struct http1_head_cache *c = h->cache;
    const char *end = memmem(data, used, "\r\n\r\n", 4);
    size_t head = end ? (size_t)(end - data) + 4 : 0;
    if (!head || head > sizeof c->head || head + h->body_bytes != used)
        return;
    memcpy(c->head, data, head);
    c->bytes = head;
    c->status = h->status;
    c->major = h->major;
    c->minor = h->minor;
    c->keep_alive = h->keep_alive;
    c->body_bytes = h->body_bytes;
}

enum http1_state http1_feed(struct http1 *h, const char *data, size_t bytes, size_t *used)
{
    *used = 0;
    if (bytes == 0)
        return HTTP1_MORE;
    bool first = !h->started;
    if (first) {
        h->started = true;
        if (head_is_cached(h, data, bytes)) {
            take_cached_head(h);
            *used = h->cache->bytes;
        } else {
            llhttp_init(&h->parser, h->kind == HTTP1_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, settings());
            h->parser.data = h;
        }
    }
    if (h->from_cache)
        return take_cached_body(h, data + *used, bytes - *used, used);

    switch (llhttp_execute(&h->parser, data, bytes)) {
    case HPE_OK:
        *used = bytes;
        return HTTP1_MORE;
    case HPE_PAUSED:
    case HPE_PAUSED_UPGRADE:
        *used = (size_t)(llhttp_get_error_pos(&h->parser) - data);
        if (first && h->cache)
            remember_head(h, data, *used);
        return HTTP1_DONE;
    default:
        return HTTP1_BAD;
    }
}

enum http1_state http1_finish(struct http1 *h)
{
    if (!h->started || h->from_cache)
        return HTTP1_BAD;
    return h->until_close && llhttp_finish(&h->parser) == HPE_PAUSED ? HTTP1_DONE : HTTP1_BAD;
}

const char *http1_error(const struct http1 *h)
{
    if (!h->started)
        return "the connection ended before the message began";
    if (h->from_cache || llhttp_get_errno(&h->parser) == HPE_OK)
        return "the connection ended in the middle of the message";
    const char *why = llhttp_get_error_reason(&h->parser);
    return why && *why ? why : llhttp_errno_name(llhttp_get_errno(&h->parser));
}
