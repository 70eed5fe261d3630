/* heap.h - who is due first: a heap of moments, for those who wait.
 *
 * PURE, and all of it here, so that what is pure may use it. The room is the caller's: an array of as many entries as may wait
 * at once. */
#ifndef HEAP_H
#define HEAP_H

#include <stdint.h>

struct heap_entry {
    uint64_t at_ns;
    unsigned who;
};

static inline void heap_swap(struct heap_entry *a, struct heap_entry *b)
{
    struct heap_entry old = *a;
    *a = *b;
    *b = old;
}

/* Adds one to the *count that are there. heap[0] is the soonest. */
static inline void heap_push(struct heap_entry *heap, unsigned *count, uint64_t at_ns, unsigned who)
{
    unsigned i = (*count)++;
    heap[i] = (struct heap_entry){.at_ns = at_ns, .who = who};
    for (; i > 0 && heap[(i - 1) / 2].at_ns > heap[i].at_ns; i = (i - 1) / 2)
        heap_swap(&heap[i], &heap[(i - 1) / 2]);
}

/* Takes the soonest out; there is at least one. */
static inline unsigned heap_pop(struct heap_entry *heap, unsigned *count)
{
    unsigned who = heap[0].who, n = --*count, child;
    heap[0] = heap[n];
    for (unsigned i = 0; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1].at_ns < heap[child].at_ns)
            child++;
        if (heap[i].at_ns <= heap[child].at_ns)
            break;
        heap_swap(&heap[i], &heap[child]);
    }
    return who;
}

#endif
