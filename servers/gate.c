#include "gate.h"

#include <stdlib.h>
#include <string.h>

struct gate {
    SLIST_ENTRY(gate) link;
    TAILQ_HEAD(waiters, gate_waiter) waiters;
    uint64_t permits;
    char name[];
};

static struct gate *find_or_make(struct gates *gates, const char *name)
{
    struct gate *g;
    SLIST_FOREACH(g, gates, link)
        if (strcmp(g->name, name) == 0)
            return g;
    size_t bytes = strlen(name) + 1;
    g = calloc(1, sizeof *g + bytes);
    if (!g)
        abort();
    memcpy(g->name, name, bytes);
    TAILQ_INIT(&g->waiters);
    SLIST_INSERT_HEAD(gates, g, link);
    return g;
}

bool gate_pass(struct gates *gates, const char *name, struct gate_waiter *w)
{
    struct gate *g = find_or_make(gates, name);
    if (g->permits && TAILQ_EMPTY(&g->waiters)) { /* nobody is overtaken, not even while gate_release runs */
        g->permits--;
        return true;
    }
    TAILQ_INSERT_TAIL(&g->waiters, w, link);
    w->at = g;
    return false;
}

void gate_leave(struct gate_waiter *w)
{
    if (w->at)
        TAILQ_REMOVE(&w->at->waiters, w, link);
    w->at = NULL;
}

void gate_release(struct gates *gates, const char *name, uint64_t count)
{
    struct gate *g = find_or_make(gates, name);
    g->permits += count;
    while (g->permits && !TAILQ_EMPTY(&g->waiters)) {
        struct gate_waiter *w = TAILQ_FIRST(&g->waiters);
        g->permits--;
        gate_leave(w);
        w->pass(w);
    }
}

void gates_free(struct gates *gates)
{
    while (!SLIST_EMPTY(gates)) {
        struct gate *g = SLIST_FIRST(gates);
        SLIST_REMOVE_HEAD(gates, link);
        free(g);
    }
}
