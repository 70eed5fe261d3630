/* adapter_private.h - what the parts of one worker share: adapter.c takes commands and hands them on, socket_ops.c and worker_ops.c
 * carry them out, reply.c words the answers. */
#ifndef ADAPTER_PRIVATE_H
#define ADAPTER_PRIVATE_H

#include "pool/pool_ev.h"
#include "subjects/reference/adapter.h"
#include "subjects/reference/fields.h"
#include "subjects/reference/request.h"

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

/* One op of the protocol, on a socket or on the worker. It answers `id`, now or later, or says in f->error why it cannot and
 * answers nothing. */
struct op {
    const char *name;
    void (*on_socket)(struct socket *s, json_t *id, struct fields *f);
    void (*on_worker)(struct adapter *a, json_t *id, struct fields *f);
    bool is_first; /* comes before the pools are made */
};
extern const struct op socket_ops[], worker_ops[]; /* the last has no name */

/* An operation on this socket that could wait is over: the commands that were held back have their turn. */
void adapter_run_held(struct socket *s);
bool adapter_is_busy(const struct socket *s);

/* An object for a label, the same for the same label. NULL where memory is out. */
struct socket *socket_for(struct adapter *a, const char *label);
void socket_free(struct socket *s);

/* A reply to `id` that is ok and has no further field. */
json_t *reply_ok(json_t *id);

/* A reply that is not. */
json_t *reply_error(json_t *id, const char *err);

/* What an operation on a socket came to, as the protocol's reply to `id`. */
json_t *reply_to(json_t *id, const struct cosocket *sock, enum cosocket_op op, const struct cosocket_result *result);

#endif
