#include "pool/keys.h"

#include "pool/list.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64u

static uint64_t hash_of(const char *key, size_t bytes)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ (unsigned char)key[i]) * 1099511628211u;
    return hash;
}

static struct pool_origin **bucket_of(const struct keys *keys, uint64_t hash)
{
    return &keys->buckets[hash & (keys->bucket_count - 1)];
}

static void put(struct keys *keys, struct pool_origin *o)
{
    o->next = *bucket_of(keys, o->hash);
    *bucket_of(keys, o->hash) = o;
}

/* A table that could not grow is slower, not wrong. */
static void grow(struct keys *keys)
{
    struct keys old = *keys;
    struct pool_origin **buckets = calloc(old.bucket_count * 2, sizeof(struct pool_origin *));
    if (!buckets)
        return;
    keys->buckets = buckets;
    keys->bucket_count = old.bucket_count * 2;
    for (struct pool_origin *o = keys_next(&old, NULL), *next; o; o = next) {
        next = keys_next(&old, o);
        put(keys, o);
    }
    free(old.buckets);
}

bool keys_init(struct keys *keys)
{
    *keys = (struct keys){.bucket_count = BUCKETS_MIN, .buckets = calloc(BUCKETS_MIN, sizeof(struct pool_origin *))};
    return keys->buckets != NULL;
}

void keys_free(struct keys *keys)
{
    for (struct pool_origin *o = keys_next(keys, NULL), *next; o; o = next) {
        next = keys_next(keys, o);
        free(o);
    }
    free(keys->buckets);
}

struct pool_origin *keys_origin(struct keys *keys, const char *key, size_t bytes)
{
    uint64_t hash = hash_of(key, bytes);
    for (struct pool_origin *o = *bucket_of(keys, hash); o; o = o->next)
        if (o->hash == hash && o->key_bytes == bytes && memcmp(o->key, key, bytes) == 0)
            return o;

    struct pool_origin *o = calloc(1, sizeof *o + bytes);
    if (!o)
        return NULL;
    if (++keys->count > keys->bucket_count)
        grow(keys);
    o->hash = hash;
    o->key_bytes = bytes;
    memcpy(o->key, key, bytes);
    list_init(&o->idle_list);
    list_init(&o->line);
    put(keys, o);
    return o;
}

void keys_forget(struct keys *keys, struct pool_origin *origin)
{
    struct pool_origin **at = bucket_of(keys, origin->hash);
    while (*at != origin)
        at = &(*at)->next;
    *at = origin->next;
    keys->count--;
    free(origin);
}

struct pool_origin *keys_next(const struct keys *keys, const struct pool_origin *after)
{
    struct pool_origin **bucket = keys->buckets;
    if (after) {
        if (after->next)
            return after->next;
        bucket = bucket_of(keys, after->hash) + 1;
    }
    for (; bucket < keys->buckets + keys->bucket_count; bucket++)
        if (*bucket)
            return *bucket;
    return NULL;
}
