#include "subjects/reference/request.h"

#include "client/client.h"
#include "client/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct requests {
    struct jsonl *replies;
    struct client *client;
    struct one *under_way;
};

struct text {
    char *data;
    size_t bytes;
    bool has_hole; /* memory was out for a piece of it */
};

struct one {
    struct one *next;
    struct requests *all;
    json_t *id;
    struct url url;
    struct text wire;
    struct client_request request;
    struct text name, value, body; /* of the response, as the pieces come */
    bool in_value;
    json_t *headers;
};

static void add(struct text *to, const char *piece, size_t bytes)
{
    char *data = realloc(to->data, to->bytes + bytes + 1);
    if (!data) {
        to->has_hole = true;
        return;
    }
    to->data = data;
    memcpy(data + to->bytes, piece, bytes);
    to->bytes += bytes;
    data[to->bytes] = '\0';
}

static void add_string(struct text *to, const char *string)
{
    add(to, string, strlen(string));
}

/* --- the response ------------------------------------------------------------------------------------------------------- */

/* Several lines of one field are one value, with commas (RFC 9110 section 5.3). */
static void keep_header(struct one *o)
{
    if (!o->in_value)
        return;
    for (size_t i = 0; i < o->name.bytes; i++)
        if (o->name.data[i] >= 'A' && o->name.data[i] <= 'Z')
            o->name.data[i] = (char)(o->name.data[i] + ('a' - 'A'));
    const char *before = json_string_value(json_object_get(o->headers, o->name.data));
    json_t *value = jsonl_words(o->value.data ? o->value.data : "");
    if (before) {
        json_t *both = json_sprintf("%s, %s", before, json_string_value(value));
        json_decref(value);
        value = both;
    }
    json_object_set_new(o->headers, o->name.data, value);
    o->name.bytes = o->value.bytes = 0;
    o->in_value = false;
}

static void on_name(void *user, const char *piece, size_t bytes)
{
    struct one *o = user;
    keep_header(o);
    add(&o->name, piece, bytes);
}

static void on_value(void *user, const char *piece, size_t bytes)
{
    struct one *o = user;
    o->in_value = true;
    add(&o->value, piece, bytes);
}

static void on_head_done(void *user)
{
    keep_header(user);
}

static void on_body(void *user, const char *piece, size_t bytes)
{
    struct one *o = user;
    add(&o->body, piece, bytes);
}

static const struct http1_hooks hooks = {
    .field_name = on_name, .field_value = on_value, .head_done = on_head_done, .body = on_body};

/* --- the request ---------------------------------------------------------------------------------------------------------- */

static void free_one(struct one *o)
{
    struct one **at = &o->all->under_way;
    while (*at != o)
        at = &(*at)->next;
    *at = o->next;
    json_decref(o->id);
    json_decref(o->headers);
    free(o->wire.data);
    free(o->name.data);
    free(o->value.data);
    free(o->body.data);
    free(o);
}

static void answer(struct one *o)
{
    const struct client_request *r = &o->request;
    json_t *reply;
    if (o->name.has_hole || o->value.has_hole || o->body.has_hole) {
        reply = json_pack("{s:O,s:b,s:s}", "id", o->id, "ok", 0, "err", "no memory for the response");
    } else if (r->phase == CLIENT_DONE) {
        reply = json_pack("{s:O,s:b,s:i,s:O,s:o,s:i}", "id", o->id, "ok", 1, "status", (int)r->status, "headers", o->headers,
                          "body", jsonl_bytes(o->body.data ? o->body.data : "", o->body.bytes), "reused", (int)r->reused);
    } else {
        char err[64];
        snprintf(err, sizeof err, "%s: %s", client_phase_text(r->phase), client_error_text(r->err));
        reply = json_pack("{s:O,s:b,s:s}", "id", o->id, "ok", 0, "err", err);
    }
    jsonl_write(o->all->replies, reply);
    free_one(o);
}

static void on_done(struct client_request *request)
{
    answer(request->user);
}

static bool has_header(const json_t *headers, const char *wanted)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)headers, name, value) if (strcasecmp(name, wanted) == 0) return true;
    return false;
}

static void write_request(struct one *o, const char *method, const json_t *headers, const struct text *body, struct fields *f)
{
    const char *name;
    json_t *value;
    char length[64];

    add_string(&o->wire, method);
    add_string(&o->wire, " ");
    add_string(&o->wire, o->url.target);
    add_string(&o->wire, " HTTP/1.1\r\n");
    if (!has_header(headers, "host")) {
        add_string(&o->wire, "Host: ");
        add_string(&o->wire, strncmp(o->url.key, "unix:", 5) == 0 ? "localhost" : o->url.key);
        add_string(&o->wire, "\r\n");
    }
    json_object_foreach((json_t *)headers, name, value)
    {
        if (!json_is_string(value)) {
            fields_fault(f, "headers", "an object of strings");
            return;
        }
        add_string(&o->wire, name);
        add_string(&o->wire, ": ");
        add(&o->wire, json_string_value(value), json_string_length(value));
        add_string(&o->wire, "\r\n");
        if (strcasecmp(name, "connection") == 0 && strcasecmp(json_string_value(value), "close") == 0)
            o->request.closes = true;
    }
    if (body->data && !has_header(headers, "content-length")) {
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", body->bytes);
        add_string(&o->wire, length);
    }
    add_string(&o->wire, "\r\n");
    if (body->data)
        add(&o->wire, body->data, body->bytes);
}

/* Reads the command's fields into a request that is ready to start. */
static void prepare(struct one *o, struct fields *f)
{
    const char *url = fields_string(f, "url"), *method = "GET";
    double timeout_ms = 0;
    const json_t *body_field = json_object_get(f->command, "body");
    struct text body = {0};

    const char *why = *f->error ? NULL : url_parse(&o->url, url);
    if (why)
        snprintf(f->error, sizeof f->error, "`url`: %s", why);
    fields_string_if(f, "method", &method);
    if (fields_number_if(f, "timeout_ms", &timeout_ms) && timeout_ms > 0)
        o->request.timeout_ns = (uint64_t)(timeout_ms * 1e6);
    if (body_field && !json_is_null(body_field) && !(body.data = jsonl_get_bytes(body_field, &body.bytes)))
        fields_fault(f, "body", "a string or {\"base64\": ...}");
    if (!*f->error)
        write_request(o, method, json_object_get(f->command, "headers"), &body, f);
    if (o->wire.has_hole && !*f->error)
        snprintf(f->error, sizeof f->error, "no memory for a request");
    free(body.data);

    o->request.key = o->url.key;
    o->request.key_bytes = strlen(o->url.key);
    o->request.addr = &o->url.addr;
    o->request.bytes = o->wire.data;
    o->request.byte_count = o->wire.bytes;
    o->request.is_head = strcmp(method, "HEAD") == 0;
    o->request.hooks = &hooks;
    o->request.hooks_user = o->request.user = o;
    o->request.done = on_done;
}

void requests_start(struct requests *all, json_t *id, struct fields *f)
{
    struct one *o = calloc(1, sizeof *o);
    if (!o) {
        snprintf(f->error, sizeof f->error, "no memory for a request");
        return;
    }
    o->all = all;
    o->id = json_incref(id);
    o->headers = json_object();
    o->next = all->under_way;
    all->under_way = o;
    prepare(o, f);
    if (*f->error)
        free_one(o);
    else if (!client_start(all->client, &o->request))
        answer(o);
}

bool requests_cancel(struct requests *all, json_t *id)
{
    struct one *o = all->under_way;
    while (o && !json_equal(o->id, id))
        o = o->next;
    if (!o)
        return false;
    client_cancel(&o->request);
    jsonl_write(all->replies, json_pack("{s:O,s:b,s:s}", "id", id, "ok", 0, "err", "cancelled"));
    free_one(o);
    return true;
}

struct requests *requests_new(struct ev_loop *loop, struct jsonl *replies, struct pool_ev *pool)
{
    static const struct client_config defaults;
    struct requests *all = calloc(1, sizeof *all);
    if (!all)
        return NULL;
    all->replies = replies;
    all->client = client_new(loop, pool, &defaults);
    if (!all->client) {
        free(all);
        return NULL;
    }
    return all;
}

void requests_free(struct requests *all)
{
    if (!all)
        return;
    while (all->under_way) {
        client_cancel(&all->under_way->request);
        free_one(all->under_way);
    }
    client_free(all->client);
    free(all);
}
