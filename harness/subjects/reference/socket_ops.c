/* The operations on a socket: the cosocket API as the protocol has it. */
#include "subjects/reference/adapter_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_done(struct cosocket *sock, enum cosocket_op op, const struct cosocket_result *result, void *user)
{
    struct socket *s = user;
    json_t *id = s->pending[op];
    s->pending[op] = NULL;
    jsonl_write(s->adapter->replies, reply_to(id, sock, op, result));
    json_decref(id);
    adapter_run_held(s);
}

/* An operation that can wait was started: answers it now, or remembers whom to answer. */
static void started(struct socket *s, json_t *id, enum cosocket_op op, const struct cosocket_result *result)
{
    if (result->status == COSOCKET_AGAIN)
        s->pending[op] = json_incref(id);
    else
        jsonl_write(s->adapter->replies, reply_to(id, s->cosocket, op, result));
}

/* What an operation that never waits came to; where it went well, with one more field. */
static void answer(struct socket *s, json_t *id, const struct cosocket_result *result, const char *field, json_int_t value)
{
    json_t *reply = result->status == COSOCKET_OK ? reply_ok(id) : reply_error(id, result->err);
    if (field && result->status == COSOCKET_OK)
        json_object_set_new(reply, field, json_integer(value));
    jsonl_write(s->adapter->replies, reply);
}

static struct cosocket_keepalive read_keepalive(struct fields *options)
{
    struct fields table = {.command = json_object_get(options->command, "tcp_keepalive")};
    struct cosocket_keepalive keepalive = {.idle_s = fields_integer(&table, "idle_s"),
                                           .interval_s = fields_integer(&table, "interval_s"),
                                           .probes = fields_integer(&table, "probes")};
    double number = 0;
    if (fields_number_if(&table, "user_timeout_ms", &number))
        keepalive.user_timeout_ms = (long)number;
    if (*table.error && !*options->error)
        snprintf(options->error, sizeof options->error, "in `tcp_keepalive`, %.120s", table.error);
    return keepalive;
}

/* The options table; the numbers live in `numbers`, and what it says of TCP keepalive in `keepalive`. */
static struct cosocket_options read_options(struct fields *f, long numbers[2], struct cosocket_keepalive *keepalive)
{
    struct fields table = {.command = json_object_get(f->command, "options")};
    struct cosocket_options options = {0};
    double number;
    fields_string_if(&table, "pool", &options.pool);
    if (fields_number_if(&table, "pool_size", &number)) {
        numbers[0] = (long)number;
        options.pool_size = &numbers[0];
    }
    if (fields_number_if(&table, "backlog", &number)) {
        numbers[1] = (long)number;
        options.backlog = &numbers[1];
    }
    if (json_is_object(json_object_get(table.command, "tcp_keepalive"))) {
        *keepalive = read_keepalive(&table);
        options.tcp_keepalive = keepalive;
    }
    if (*table.error && !*f->error)
        snprintf(f->error, sizeof f->error, "in `options`, %.140s", table.error);
    return options;
}

static void do_connect(struct socket *s, json_t *id, struct fields *f)
{
    struct cosocket_result result;
    const char *path;
    char unix_host[NET_TEXT_BYTES];
    const char *host = unix_host;
    long port = 0;

    if (fields_string_if(f, "unix", &path)) {
        snprintf(unix_host, sizeof unix_host, "%s%s", strncmp(path, "unix:", 5) == 0 ? "" : "unix:", path);
    } else {
        host = fields_string(f, "host");
        port = fields_integer(f, "port");
    }
    long numbers[2];
    struct cosocket_keepalive keepalive;
    struct cosocket_options options = read_options(f, numbers, &keepalive);
    if (*f->error)
        return;
    port = port < -1 || port > 65536 ? 65536 : port; /* out of range stays out of range */
    cosocket_connect(s->cosocket, host, (int)port, &options, &result);
    started(s, id, COSOCKET_CONNECT, &result);
}

static void do_send(struct socket *s, json_t *id, struct fields *f)
{
    struct cosocket_result result;
    size_t bytes;
    char *data = jsonl_get_bytes(json_object_get(f->command, "data"), &bytes);
    if (!data) {
        fields_fault(f, "data", "a string or {\"base64\": ...}");
        return;
    }
    cosocket_send(s->cosocket, data, bytes, &result);
    free(data);
    started(s, id, COSOCKET_SEND, &result);
}

static void do_receive(struct socket *s, json_t *id, struct fields *f)
{
    struct cosocket_result result;
    double n = 0;
    if (fields_number_if(f, "bytes", &n) && n >= 0)
        cosocket_receive(s->cosocket, (size_t)n, &result);
    else if (fields_number_if(f, "any", &n) && n >= 1)
        cosocket_receive_any(s->cosocket, (size_t)n, &result);
    else if (json_is_true(json_object_get(f->command, "line")))
        cosocket_receive_line(s->cosocket, &result);
    else if (json_is_true(json_object_get(f->command, "all")))
        cosocket_receive_all(s->cosocket, &result);
    else
        fields_fault(f, "bytes, any, line or all", "given, and not negative");
    if (!*f->error)
        started(s, id, COSOCKET_RECEIVE, &result);
}

static void do_setkeepalive(struct socket *s, json_t *id, struct fields *f)
{
    struct cosocket_result result;
    double timeout_ms, size_value;
    bool has_timeout = fields_number_if(f, "timeout_ms", &timeout_ms);
    bool has_size = fields_number_if(f, "size", &size_value);
    if (*f->error)
        return;
    long size = has_size ? (long)size_value : 0;
    cosocket_setkeepalive(s->cosocket, has_timeout ? &timeout_ms : NULL, has_size ? &size : NULL, &result);
    answer(s, id, &result, "value", 1);
}

static void do_getreusedtimes(struct socket *s, json_t *id, struct fields *f)
{
    struct cosocket_result result;
    (void)f;
    cosocket_getreusedtimes(s->cosocket, &result);
    answer(s, id, &result, "value", result.reused);
}

static void do_settimeouts(struct socket *s, json_t *id, struct fields *f)
{
    struct cosocket_result result;
    double connect_ms = 0, send_ms = 0, read_ms = 0;
    fields_number_if(f, "connect_ms", &connect_ms);
    fields_number_if(f, "send_ms", &send_ms);
    fields_number_if(f, "read_ms", &read_ms);
    if (*f->error)
        return;
    cosocket_settimeouts(s->cosocket, connect_ms, send_ms, read_ms, &result);
    answer(s, id, &result, NULL, 0);
}

static void do_close(struct socket *s, json_t *id, struct fields *f)
{
    struct cosocket_result result;
    (void)f;
    cosocket_close(s->cosocket, &result);
    answer(s, id, &result, NULL, 0);
}

const struct op socket_ops[] = {
    {.name = "connect", .on_socket = do_connect},
    {.name = "send", .on_socket = do_send},
    {.name = "receive", .on_socket = do_receive},
    {.name = "setkeepalive", .on_socket = do_setkeepalive},
    {.name = "getreusedtimes", .on_socket = do_getreusedtimes},
    {.name = "settimeouts", .on_socket = do_settimeouts},
    {.name = "close", .on_socket = do_close},
    {0},
};

/* --- life --------------------------------------------------------------------------------------------------------------- */

struct socket *socket_for(struct adapter *a, const char *label)
{
    for (struct socket *s = a->sockets; s; s = s->next)
        if (strcmp(s->label, label) == 0)
            return s;
    struct socket *s = calloc(1, sizeof *s + strlen(label) + 1);
    if (!s)
        return NULL;
    s->cosocket = cosocket_new(a->pools, on_done, s);
    if (!s->cosocket) {
        free(s);
        return NULL;
    }
    s->adapter = a;
    s->held = json_array();
    memcpy(s->label, label, strlen(label) + 1);
    s->next = a->sockets;
    a->sockets = s;
    return s;
}

void socket_free(struct socket *s)
{
    cosocket_free(s->cosocket);
    for (size_t i = 0; i < sizeof s->pending / sizeof *s->pending; i++)
        json_decref(s->pending[i]);
    json_decref(s->held);
    free(s);
}
