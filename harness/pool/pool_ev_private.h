/* pool_ev_private.h - what pool_ev.c and pool_ev_connect.c share. */
#ifndef POOL_EV_PRIVATE_H
#define POOL_EV_PRIVATE_H

#include "pool/list.h"
#include "pool/pool_ev.h"

struct pool_ev {
    struct ev_loop *loop;
    struct pool *core;
    struct pool_link to_watch; /* parked in this turn; most are checked out again before the loop ever waits */
    struct pool_link to_start; /* tickets that the core has told to connect */
    bool starting;             /* somebody is at it */
    struct pool_link to_tell;  /* tickets whose answer is there */
    ev_timer tell;             /* never started, only fed: answers are given from the loop, not from inside a call */
    ev_prepare before_wait;
    ev_check after_wait;
    uint64_t polled_ns;        /* when the loop last collected events; ev_now has another clock */
    ev_timer expiry;
    uint64_t expiry_at_ns;     /* what the timer is set to; POOL_UNLIMITED: not running */
};

/* Handles an event and everything that follows from it. The reason of the last close is what a check-in asks for. */
enum pool_reason pool_ev_handle(struct pool_ev *pe, struct pool_event event);

/* Closes and frees it. */
void pool_ev_destroy(struct pool_ev_conn *conn);

/* The answer is there: told from the loop, or by the check-out that is under way. */
void pool_ev_finish(struct pool_ev_ticket *ticket, struct pool_ev_conn *conn, int err);
bool pool_ev_is_finished(const struct pool_ev_ticket *ticket);

void pool_ev_start_connect(struct pool_ev_ticket *ticket);
void pool_ev_drop_attempt(struct pool_ev_ticket *ticket);

/* Of waiting in line, or of connecting. */
void pool_ev_start_timeout(struct pool_ev_ticket *ticket);
void pool_ev_on_timeout(struct ev_loop *loop, ev_timer *timer, int revents);

void pool_ev_on_readable(struct ev_loop *loop, ev_io *io, int revents);
void pool_ev_on_writable(struct ev_loop *loop, ev_io *io, int revents);

#endif
