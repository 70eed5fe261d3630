/* keys.h - the keys that a pool knows now, each with what belongs to it. PURE, as pool.h says.
 *
 * A key is the bytes that its user wrote. It is known from its first check-out until nothing of it is left. */
#ifndef KEYS_H
#define KEYS_H

#include "pool/pool.h"

struct pool_origin {
    struct pool_origin *next; /* in its bucket */
    uint64_t hash;
    bool sized;               /* a pool exists, and its size is fixed while it lives */
    unsigned size;
    bool limited;             /* `size` counts all connections, and tickets wait in line */
    unsigned backlog;
    unsigned idle, in_use, connecting, waiting;
    unsigned members;         /* of those, the ones that keep the pool alive */
    struct pool_link idle_list;
    struct pool_link line;    /* tickets that wait, first come first */
    size_t key_bytes;
    char key[];
};

struct keys {
    struct pool_origin **buckets;
    size_t bucket_count, count;
};

/* False where memory is out; there is nothing to free then. */
bool keys_init(struct keys *keys);

/* Frees every origin. */
void keys_free(struct keys *keys);

/* The key's origin, a new and empty one where it was not known; NULL where memory is out. It stays in place until keys_forget. */
struct pool_origin *keys_origin(struct keys *keys, const char *key, size_t bytes);

void keys_forget(struct keys *keys, struct pool_origin *origin);

/* All of them, in no order: the first after NULL, and NULL after the last. */
struct pool_origin *keys_next(const struct keys *keys, const struct pool_origin *after);

#endif
