/* gate.h - gates: where the judge holds a response until the order of things is certain.
 *
 * A gate has a name and lets one waiter through for each permit. Permits given while nobody waits are kept. */
#ifndef GATE_H
#define GATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

/* Somebody who waits; part of its owner's struct. */
struct gate_waiter {
    TAILQ_ENTRY(gate_waiter) link;
    struct gate *at; /* NULL: does not wait */
    void (*pass)(struct gate_waiter *w);
};

SLIST_HEAD(gates, gate);

/* Uses a permit of the gate, or queues w (first come, first served), whose pass is then called by gate_release. Returns whether
 * there was a permit: pass is then not called. */
bool gate_pass(struct gates *gates, const char *name, struct gate_waiter *w);

/* w waits no longer; nothing where it did not. */
void gate_leave(struct gate_waiter *w);

/* Gives `count` permits. */
void gate_release(struct gates *gates, const char *name, uint64_t count);

void gates_free(struct gates *gates);

#endif
