/* The operations on the worker and its pools. */
#include "subjects/reference/adapter_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
        jsonl_write(a->replies, reply_ok(id));
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
    jsonl_write(a->replies, reply_ok(id));
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
    json_array_foreach(commands, i, command) adapter_command(a, command);
    a->in_batch = false;
    jsonl_write(a->replies, reply_ok(id));
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

/* Cancels what is pending or held on a socket under this id. */
static bool cancel_on_socket(struct socket *s, json_t *target)
{
    json_t *command;
    size_t i;
    for (int op = 0; op < 3; op++) {
        if (s->pending[op] && json_equal(s->pending[op], target)) {
            cosocket_cancel(s->cosocket, (enum cosocket_op)op);
            jsonl_write(s->adapter->replies, reply_error(target, "cancelled"));
            json_decref(s->pending[op]);
            s->pending[op] = NULL;
            adapter_run_held(s);
            return true;
        }
    }
    json_array_foreach(s->held, i, command)
    {
        if (json_equal(json_object_get(command, "id"), target)) {
            jsonl_write(s->adapter->replies, reply_error(target, "cancelled"));
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
        jsonl_write(a->replies, reply_ok(id));
}

/* The worker shuts down gracefully, as a reload or a quit makes it. */
static void do_stop(struct adapter *a, json_t *id, struct fields *f)
{
    (void)f;
    cosocket_pools_stop(a->pools);
    jsonl_write(a->replies, reply_ok(id));
}

static void do_request(struct adapter *a, json_t *id, struct fields *f)
{
    requests_start(a->requests, id, f);
}

const struct op worker_ops[] = {
    {.name = "configure", .on_worker = do_configure, .is_first = true},
    {.name = "request", .on_worker = do_request},
    {.name = "batch", .on_worker = do_batch},
    {.name = "block", .on_worker = do_block},
    {.name = "stats", .on_worker = do_stats},
    {.name = "cancel", .on_worker = do_cancel},
    {.name = "stop", .on_worker = do_stop},
    {0},
};
