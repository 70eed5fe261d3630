/* What a pool says of itself, and what its reasons are called. */
#include "pool/pool_private.h"

uint64_t pool_deadline(const struct pool *pool)
{
    const struct pool_conn *first = deadlines_first(&pool->deadlines);
    return first ? first->deadline_ns : POOL_UNLIMITED;
}

bool pool_exists_for(const struct pool_conn *conn)
{
    return conn->origin->sized;
}

void pool_stats_all(const struct pool *pool, struct pool_stats *out)
{
    *out = pool->stats;
}

void pool_each(const struct pool *pool, void *user, void (*each)(void *user, const struct pool_view *view))
{
    for (const struct pool_origin *o = keys_next(&pool->keys, NULL); o; o = keys_next(&pool->keys, o))
        each(user, &(struct pool_view){.key = o->key, .key_bytes = o->key_bytes, .size = o->sized ? o->size : 0,
                                       .idle = o->idle, .in_use = o->in_use, .connecting = o->connecting,
                                       .waiting = o->waiting});
}

const char *pool_reason_text(enum pool_reason reason)
{
    static const char *const text[POOL_REASON_COUNT] = {
        [POOL_REASON_NONE] = "none",
        [POOL_REASON_DISCARDED] = "discarded",
        [POOL_REASON_DUBIOUS] = "dubious",
        [POOL_REASON_EVICTED] = "evicted",
        [POOL_REASON_EXPIRED] = "expired",
        [POOL_REASON_STRAY] = "stray",
        [POOL_REASON_PEER_CLOSED] = "peer_closed",
        [POOL_REASON_PEER_RESET] = "peer_reset",
        [POOL_REASON_STOPPING] = "stopping",
        [POOL_REASON_NO_MEMORY] = "no_memory",
        [POOL_REASON_OVER_LIMIT] = "over_limit",
        [POOL_REASON_BACKLOG_FULL] = "backlog_full",
    };
    return text[reason];
}
