/* deadlines.h - which idle connection expires first. PURE, as pool.h says.
 *
 * A heap, because each connection has a timeout of its own. Where all have the same, a check-in appends the latest deadline
 * and a check-out takes that one away again: both touch the last leaf only. A connection's place in it is its own
 * `heap_at`, 0 where it is in none. */
#ifndef DEADLINES_H
#define DEADLINES_H

#include "pool/pool.h"

struct deadlines { /* zeroed: none */
    struct pool_conn **heap; /* binary, by deadline; heap[0] is unused */
    size_t count, room;
};

/* Room for so many connections at once, never given back before deadlines_free. False where memory is out: nothing changes. */
bool deadlines_reserve(struct deadlines *d, size_t connections);

/* By conn->deadline_ns, which stays as it is meanwhile; POOL_UNLIMITED: not at all. There is room for it. */
void deadlines_add(struct deadlines *d, struct pool_conn *conn);

/* A connection that has no place is left alone. */
void deadlines_remove(struct deadlines *d, struct pool_conn *conn);

/* NULL: none. */
struct pool_conn *deadlines_first(const struct deadlines *d);

void deadlines_free(struct deadlines *d);

#endif
