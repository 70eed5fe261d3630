/* server.h - what the parts of one server process share. */
#ifndef SERVER_H
#define SERVER_H

#include "gate.h"
#include "base/jsonl.h"

#include <ev.h>
#include <stdint.h>
#include <sys/queue.h>

struct listener;

struct server {
    struct ev_loop *loop;
    struct jsonl *out; /* where the trace goes; NULL: nowhere */
    struct gates gates;
    SLIST_HEAD(, listener) listeners;
    uint32_t connections; /* accepted so far, over all listeners: the number of the last one */
};

#endif
