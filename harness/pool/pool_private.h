/* pool_private.h - what pool.c and pool_ask.c share. */
#ifndef POOL_PRIVATE_H
#define POOL_PRIVATE_H

#include "pool/deadlines.h"
#include "pool/keys.h"

struct pool {
    struct pool_config config;
    struct keys keys;
    struct deadlines deadlines;
    size_t live; /* connections in the core's books: what the deadlines must have room for */
    struct pool_link todo;
    bool stopping;
    struct pool_stats stats;
};

#endif
