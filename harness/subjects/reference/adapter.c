#include "subjects/reference/adapter_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool adapter_is_busy(const struct socket *s)
{
    return s->pending[0] || s->pending[1] || s->pending[2];
}

void adapter_run_held(struct socket *s)
{
    while (!adapter_is_busy(s) && json_array_size(s->held)) {
        json_t *next = json_incref(json_array_get(s->held, 0));
        json_array_remove(s->held, 0);
        adapter_command(s->adapter, next);
        json_decref(next);
    }
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

static void run_on_socket(struct adapter *a, const struct op *op, json_t *command, struct fields *f)
{
    const char *label = fields_string(f, "sock");
    struct socket *s = *f->error ? NULL : socket_for(a, label);
    if (*f->error)
        return;
    if (!s)
        snprintf(f->error, sizeof f->error, "no memory for another socket");
    else if (a->in_batch || !adapter_is_busy(s))
        op->on_socket(s, json_object_get(command, "id"), f);
    else
        json_array_append(s->held, command);
}

static const struct op *named(const struct op *ops, const char *name)
{
    while (ops->name && strcmp(ops->name, name) != 0)
        ops++;
    return ops->name ? ops : NULL;
}

static void run(struct adapter *a, json_t *command, json_t *id, struct fields *f)
{
    const char *name = fields_string(f, "op");
    const struct op *on_socket = named(socket_ops, name), *op = on_socket ? on_socket : named(worker_ops, name);
    if (*f->error)
        return;
    if (!op)
        snprintf(f->error, sizeof f->error, "unknown op");
    else if (!op->is_first && !start_pools(a))
        snprintf(f->error, sizeof f->error, "no memory for a pool");
    else if (on_socket)
        run_on_socket(a, op, command, f);
    else
        op->on_worker(a, id, f);
}

void adapter_command(struct adapter *a, json_t *command)
{
    struct fields f = {.command = command};
    json_t *id = json_object_get(command, "id");
    if (!json_is_integer(id)) {
        id = NULL;
        snprintf(f.error, sizeof f.error, "a command has an integer `id`");
    } else {
        run(a, command, id, &f);
    }
    if (*f.error)
        adapter_protocol_error(a->replies, id, f.error);
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
        socket_free(s);
    }
    cosocket_pools_free(a->pools);
    free(a->resolver);
    free(a);
}
