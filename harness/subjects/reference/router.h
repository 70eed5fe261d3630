/* router.h - several workers behind one subject: forked processes, each an adapter with a loop, a pool and descriptors of its
 * own, as the worker processes of the documents are. Commands go to the worker that holds their socket. */
#ifndef ROUTER_H
#define ROUTER_H

#include "base/jsonl.h"

struct router;

/* Forks the workers and hands each of them `configure`; the answer of the first goes back to the caller. In a worker this
 * does not return: it runs until its input ends. NULL with errno where it fails. */
struct router *router_new(struct ev_loop *loop, struct jsonl *replies, unsigned workers, json_t *configure);

/* Ends the workers and waits for them. Returns 0, or the exit status of one that failed. */
int router_free(struct router *r);

void router_command(struct router *r, json_t *command);

/* Runs one adapter between two descriptors until `quit` or the end of input; returns the exit status. */
int worker_run(int in, int out);

#endif
