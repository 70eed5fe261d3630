#include "subjects/reference/adapter.h"

#include "pool/pool_ev.h"
#include "subjects/reference/fields.h"
#include "subjects/reference/request.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct socket {
    struct socket *next;
    struct adapter *adapter;
    struct cosocket *cosocket;
    json_t *pending[3]; /* by enum cosocket_op: the id of the command that waits, or NULL */
    json_t *held;       /* an array: commands that wait for their turn */
    char label[];
};

struct adapter {
    struct ev_loop *loop;
    struct jsonl *replies;
    struct cosocket_config config;
    char *resolver;               /* config's */
    struct cosocket_pools *pools; /* made by the first op that is not configure */
    struct requests *requests;
    struct socket *sockets;
    bool in_batch;
};

/* --- replies ---------------------------------------------------------------------------------------------------------- */

void adapter_protocol_error(struct jsonl *replies, json_t *id, const char *why)
{
    char text[256];
    snprintf(text, sizeof text, "protocol: %s", why);
    jsonl_write(replies, json_pack("{s:O?,s:b,s:s}", "id", id, "ok", 0, "err", text));
}

static json_t *ok(json_t *id)
{
    return json_pack("{s:O,s:b}", "id", id, "ok", 1);
}

static json_t *reply_to(json_t *id, const struct cosocket *sock, enum cosocket_op op, const struct cosocket_result *result)
{
    json_t *reply = result->status == COSOCKET_OK ? ok(id)
                                                  : json_pack("{s:O,s:b,s:s}", "id", id, "ok", 0, "err", result->err);
    if (op == COSOCKET_RECEIVE)
        json_object_set_new(reply, result->status == COSOCKET_OK ? "data" : "partial",
                            jsonl_bytes(result->data ? result->data : "", result->bytes));
    if (result->status != COSOCKET_OK)
        return reply;
    if (op == COSOCKET_CONNECT) {
        json_object_set_new(reply, "reused", json_integer(result->reused));
        json_object_set_new(reply, "local_port", json_integer(cosocket_local_port(sock)));
    } else if (op == COSOCKET_SEND) {
        json_object_set_new(reply, "sent", json_integer((json_int_t)result->sent));
    }
    return reply;
}

static void run(struct adapter *a, json_t *command);

static bool is_busy(const struct socket *s)
{
    return s->pending[0] || s->pending[1] || s->pending[2];
}

static void run_held(struct socket *s)
{
    while (!is_busy(s) && json_array_size(s->held)) {
        json_t *next = json_incref(json_array_get(s->held, 0));
        json_array_remove(s->held, 0);
        run(s->adapter, next);
        json_decref(next);
    }
}

static void on_done(struct cosocket *sock, enum cosocket_op op, const struct cosocket_result *result, void *user)
{
    struct socket *s = user;
    json_t *id = s->pending[op];
    s->pending[op] = NULL;
    jsonl_write(s->adapter->replies, reply_to(id, sock, op, result));
    json_decref(id);
    run_held(s);
}

/* An operation that can wait was started: answers it now, or remembers whom to answer. */
static void started(struct socket *s, json_t *id, enum cosocket_op op, const struct cosocket_result *result)
{
    if (result->status == COSOCKET_AGAIN)
        s->pending[op] = json_incref(id);
    else
        jsonl_write(s->adapter->replies, reply_to(id, s->cosocket, op, result));
}

static void answer(struct adapter *a, json_t *id, const struct cosocket_result *result, const char *field, json_int_t value)
{
    json_t *reply = result->status == COSOCKET_OK ? ok(id)
                                                  : json_pack("{s:O,s:b,s:s}", "id", id, "ok", 0, "err", result->err);
    if (field && result->status == COSOCKET_OK)
        json_object_set_new(reply, field, json_integer(value));
    jsonl_write(a->replies, reply);
}

/* --- the operations on a socket ----------------------------------------------------------------------------------------- */

/* The options table; the numbers live in `numbers`. */
static struct cosocket_options read_options(struct fields *f, long numbers[2])
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
    struct cosocket_options options = read_options(f, numbers);
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
    answer(s->adapter, id, &result, "value", 1);
}

static void do_getreusedtimes(struct socket *s, json_t *id, struct fields *f)
{
    struct cosocket_result result;
    (void)f;
    cosocket_getreusedtimes(s->cosocket, &result);
    answer(s->adapter, id, &result, "value", result.reused);
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
    answer(s->adapter, id, &result, NULL, 0);
}

static void do_close(struct socket *s, json_t *id, struct fields *f)
{
    struct cosocket_result result;
    (void)f;
    cosocket_close(s->cosocket, &result);
    answer(s->adapter, id, &result, NULL, 0);
}

/* --- the operations on the worker ----------------------------------------------------------------------------------------- */

static void do_configure(struct adapter *a, json_t *id, struct fields *f)
{
    double max_idle = 0, idle_ms = -1;
    const char *resolver;
    if (a->pools) {
        snprintf(f->error, sizeof f->error, "configure comes before any other op");
        return;
    }
    fields_number_if(f, "max_idle", &max_idle);
    if (fields_number_if(f, "idle_timeout_ms", &idle_ms))
        a->config.keepalive_timeout_ms = idle_ms == 0 ? COSOCKET_UNLIMITED : idle_ms;
    fields_number_if(f, "connect_timeout_ms", &a->config.connect_timeout_ms);
    fields_number_if(f, "send_timeout_ms", &a->config.send_timeout_ms);
    fields_number_if(f, "read_timeout_ms", &a->config.read_timeout_ms);
    if (fields_string_if(f, "resolver", &resolver)) {
        free(a->resolver);
        a->config.resolver = a->resolver = strdup(resolver);
        if (!a->resolver)
            snprintf(f->error, sizeof f->error, "no memory for the resolver");
    }
    a->config.pool_size = max_idle > 0 ? (unsigned)max_idle : 0;
    if (!*f->error)
        jsonl_write(a->replies, ok(id));
}

static void do_block(struct adapter *a, json_t *id, struct fields *f)
{
    double ms = 0;
    if (!fields_number_if(f, "ms", &ms) || ms < 0)
        fields_fault(f, "ms", "a number of milliseconds");
    if (*f->error)
        return;
    struct timespec left = {.tv_sec = (time_t)(ms / 1e3)};
    left.tv_nsec = (long)((ms - (double)left.tv_sec * 1e3) * 1e6);
    while (nanosleep(&left, &left) != 0) /* on purpose without the loop: the application is busy */
        continue;
    jsonl_write(a->replies, ok(id));
}

static void do_batch(struct adapter *a, json_t *id, struct fields *f)
{
    json_t *commands = json_object_get(f->command, "commands"), *command;
    size_t i;
    if (!json_is_array(commands)) {
        fields_fault(f, "commands", "a list of commands");
        return;
    }
    a->in_batch = true;
    json_array_foreach(commands, i, command) run(a, command);
    a->in_batch = false;
    jsonl_write(a->replies, ok(id));
}

static void add_pool(void *user, const struct pool_view *view)
{
    json_array_append_new(user, json_pack("{s:s%,s:i,s:i,s:i,s:i,s:i}", "pool", view->key, view->key_bytes, "size", view->size,
                                          "idle", view->idle, "in_use", view->in_use, "connecting", view->connecting,
                                          "queued", view->waiting));
}

static void do_stats(struct adapter *a, json_t *id, struct fields *f)
{
    const struct pool *core = pool_ev_core(cosocket_pools_ev(a->pools));
    struct pool_stats stats;
    (void)f;
    pool_stats_all(core, &stats);
    json_t *pools = json_array(), *closed = json_object();
    pool_each(core, pools, add_pool);
    for (unsigned i = 1; i < POOL_REASON_COUNT; i++)
        json_object_set_new(closed, pool_reason_text(i), json_integer((json_int_t)stats.closed[i]));
    jsonl_write(a->replies, json_pack("{s:O,s:b,s:o,s:I,s:I,s:I,s:I,s:o}", "id", id, "ok", 1, "pools", pools,
                                      "connects", (json_int_t)stats.connects, "reuses", (json_int_t)stats.reuses,
                                      "checkins", (json_int_t)stats.checkins, "probes", (json_int_t)stats.probes,
                                      "closed", closed));
}

static void answer_cancelled(struct adapter *a, json_t *id)
{
    jsonl_write(a->replies, json_pack("{s:O,s:b,s:s}", "id", id, "ok", 0, "err", "cancelled"));
}

/* Cancels what is pending or held on a socket under this id. */
static bool cancel_on_socket(struct socket *s, json_t *target)
{
    json_t *command;
    size_t i;
    for (int op = 0; op < 3; op++) {
        if (s->pending[op] && json_equal(s->pending[op], target)) {
            cosocket_cancel(s->cosocket, (enum cosocket_op)op);
            answer_cancelled(s->adapter, target);
            json_decref(s->pending[op]);
            s->pending[op] = NULL;
            run_held(s);
            return true;
        }
    }
    json_array_foreach(s->held, i, command)
    {
        if (json_equal(json_object_get(command, "id"), target)) {
            answer_cancelled(s->adapter, target);
            json_array_remove(s->held, i);
            return true;
        }
    }
    return false;
}

static void do_cancel(struct adapter *a, json_t *id, struct fields *f)
{
    json_t *target = json_object_get(f->command, "target");
    bool found = requests_cancel(a->requests, target);
    fields_integer(f, "target");
    for (struct socket *s = a->sockets; s && !found; s = s->next)
        found = cancel_on_socket(s, target);
    if (!found)
        fields_fault(f, "target", "the id of a command that is pending");
    if (!*f->error)
        jsonl_write(a->replies, ok(id));
}

/* Not in the subject protocol's first list of ops: the worker shuts down gracefully, as a reload or a quit makes it. */
static void do_stop(struct adapter *a, json_t *id, struct fields *f)
{
    (void)f;
    cosocket_pools_stop(a->pools);
    jsonl_write(a->replies, ok(id));
}

static void do_request(struct adapter *a, json_t *id, struct fields *f)
{
    requests_start(a->requests, id, f);
}

/* --- which is which --------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*on_socket)(struct socket *s, json_t *id, struct fields *f);
    void (*on_worker)(struct adapter *a, json_t *id, struct fields *f);
} ops[] = {
    {"connect", do_connect, NULL},
    {"send", do_send, NULL},
    {"receive", do_receive, NULL},
    {"setkeepalive", do_setkeepalive, NULL},
    {"getreusedtimes", do_getreusedtimes, NULL},
    {"settimeouts", do_settimeouts, NULL},
    {"close", do_close, NULL},
    {"request", NULL, do_request},
    {"configure", NULL, do_configure},
    {"batch", NULL, do_batch},
    {"block", NULL, do_block},
    {"stats", NULL, do_stats},
    {"cancel", NULL, do_cancel},
    {"stop", NULL, do_stop},
};

static struct socket *socket_for(struct adapter *a, const char *label)
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

static bool start_pools(struct adapter *a)
{
    if (a->requests)
        return true;
    if (!a->pools)
        a->pools = cosocket_pools_new(a->loop, &a->config);
    a->requests = a->pools ? requests_new(a->loop, a->replies, cosocket_pools_ev(a->pools)) : NULL;
    return a->requests != NULL;
}

static void run_on_socket(struct adapter *a, size_t op, json_t *command, struct fields *f)
{
    struct socket *s = socket_for(a, fields_string(f, "sock"));
    if (*f->error)
        return;
    if (!s)
        snprintf(f->error, sizeof f->error, "no memory for another socket");
    else if (!a->in_batch && is_busy(s) && json_array_append(s->held, command) < 0)
        snprintf(f->error, sizeof f->error, "no memory for another command");
    else if (a->in_batch || !is_busy(s))
        ops[op].on_socket(s, json_object_get(command, "id"), f);
}

static void run(struct adapter *a, json_t *command)
{
    struct fields f = {.command = command};
    json_t *id = json_object_get(command, "id");
    if (!json_is_integer(id)) {
        adapter_protocol_error(a->replies, NULL, "a command has an integer `id`");
        return;
    }
    const char *name = fields_string(&f, "op");
    size_t op = 0;
    while (op < sizeof ops / sizeof *ops && strcmp(ops[op].name, name) != 0)
        op++;
    if (!*f.error && op == sizeof ops / sizeof *ops) {
        adapter_protocol_error(a->replies, id, "unknown op");
        return;
    }
    if (!*f.error && ops[op].on_worker != do_configure && !start_pools(a))
        snprintf(f.error, sizeof f.error, "no memory for a pool");
    if (!*f.error && ops[op].on_socket)
        run_on_socket(a, op, command, &f);
    else if (!*f.error)
        ops[op].on_worker(a, id, &f);
    if (*f.error)
        adapter_protocol_error(a->replies, id, f.error);
}

void adapter_command(struct adapter *a, json_t *command)
{
    run(a, command);
}

bool adapter_is_fresh(const struct adapter *a)
{
    return a->pools == NULL;
}

struct adapter *adapter_new(struct ev_loop *loop, struct jsonl *replies)
{
    struct adapter *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->loop = loop;
    a->replies = replies;
    return a;
}

void adapter_free(struct adapter *a)
{
    if (!a)
        return;
    requests_free(a->requests);
    for (struct socket *s = a->sockets, *next; s; s = next) {
        next = s->next;
        cosocket_free(s->cosocket);
        for (size_t i = 0; i < 3; i++)
            json_decref(s->pending[i]);
        json_decref(s->held);
        free(s);
    }
    cosocket_pools_free(a->pools);
    free(a->resolver);
    free(a);
}
