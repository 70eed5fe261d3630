#include "pool/deadlines.h"

#include <stdlib.h>

#define ROOM_MIN 64u

static void put(struct deadlines *d, size_t at, struct pool_conn *conn)
{
    d->heap[at] = conn;
    conn->heap_at = at;
}

static void move_up(struct deadlines *d, size_t at, struct pool_conn *conn)
{
    for (; at > 1 && d->heap[at / 2]->deadline_ns > conn->deadline_ns; at /= 2)
        put(d, at, d->heap[at / 2]);
    put(d, at, conn);
}

static void move_down(struct deadlines *d, size_t at, struct pool_conn *conn)
{
    for (size_t child; (child = at * 2) <= d->count; at = child) {
        if (child < d->count && d->heap[child + 1]->deadline_ns < d->heap[child]->deadline_ns)
            child++;
        if (d->heap[child]->deadline_ns >= conn->deadline_ns)
            break;
        put(d, at, d->heap[child]);
    }
    put(d, at, conn);
}

void deadlines_add(struct deadlines *d, struct pool_conn *conn)
{
    if (conn->deadline_ns == POOL_UNLIMITED)
        return;
    move_up(d, ++d->count, conn);
}

void deadlines_remove(struct deadlines *d, struct pool_conn *conn)
{
    size_t at = conn->heap_at;
    if (at == 0)
        return;
    conn->heap_at = 0;
    struct pool_conn *last = d->heap[d->count--];
    if (last == conn)
        return;
    if (at > 1 && d->heap[at / 2]->deadline_ns > last->deadline_ns)
        move_up(d, at, last);
    else
        move_down(d, at, last);
}

bool deadlines_reserve(struct deadlines *d, size_t connections)
{
    if (connections < d->room)
        return true;
    size_t room = d->room ? d->room * 2 : ROOM_MIN;
    struct pool_conn **heap = realloc(d->heap, room * sizeof *heap);
    if (!heap)
        return false;
    d->heap = heap;
    d->room = room;
    return true;
}

struct pool_conn *deadlines_first(const struct deadlines *d)
{
    return d->count ? d->heap[1] : NULL;
}

void deadlines_free(struct deadlines *d)
{
    free(d->heap);
}
