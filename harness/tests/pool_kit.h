/* What the tests of the pure core share: a pool with connections, tickets and a clock, events as calls, and what is expected of it. */
#pragma once
#include "pool/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000u
#define SIZE 2u
#define IDLE_NS (100u * MS)

struct world {
    struct pool *pool;
    uint64_t now;
    uint64_t polled; /* the loop's last poll; by default it is always running */
    bool blocked;
    struct pool_conn conns[8];
    struct pool_ticket tickets[80];
};

static const struct pool_config config = {.size = SIZE, .idle_timeout_ns = IDLE_NS, .look_again_ns = MS / 10};

static inline int set_up(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.now = 1000u * MS;
    w.pool = pool_new(&config);
    *state = &w;
    return w.pool ? 0 : -1;
}

static inline int tear_down(void **state)
{
    pool_free(((struct world *)*state)->pool);
    return 0;
}

static inline void handle(struct world *w, struct pool_event event)
{
    event.now_ns = w->now;
    event.polled_ns = w->blocked ? w->polled : w->now;
    pool_handle(w->pool, &event);
}

static inline struct pool_action next(struct world *w)
{
    struct pool_action action = {.reason = POOL_REASON_COUNT};
    assert_true(pool_next_action(w->pool, &action));
    return action;
}

static inline void nothing_more(struct world *w)
{
    struct pool_action action;
    assert_false(pool_next_action(w->pool, &action));
}

static inline void expect_close(struct world *w, size_t conn, enum pool_reason reason)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_CLOSE);
    assert_ptr_equal(action.conn, &w->conns[conn]);
    assert_string_equal(pool_reason_text(action.reason), pool_reason_text(reason));
}

static inline void expect_park(struct world *w, size_t conn)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_PARK);
    assert_ptr_equal(action.conn, &w->conns[conn]);
    nothing_more(w);
}

static inline void expect_reuse(struct world *w, size_t conn)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_REUSE);
    assert_ptr_equal(action.conn, &w->conns[conn]);
    nothing_more(w);
}

static inline void expect_reuse_by(struct world *w, size_t ticket, size_t conn)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_REUSE);
    assert_ptr_equal(action.ticket, &w->tickets[ticket]);
    assert_ptr_equal(action.conn, &w->conns[conn]);
    nothing_more(w);
}

static inline void expect_connect_by(struct world *w, size_t ticket)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_CONNECT);
    assert_ptr_equal(action.ticket, &w->tickets[ticket]);
    nothing_more(w);
}

static inline void expect_wait(struct world *w)
{
    assert_int_equal(next(w).type, POOL_DO_WAIT);
    nothing_more(w);
}

static inline void expect_refusal(struct world *w, enum pool_reason reason)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_REFUSE);
    assert_string_equal(pool_reason_text(action.reason), pool_reason_text(reason));
    nothing_more(w);
}

static inline void expect_connect(struct world *w)
{
    assert_int_equal(next(w).type, POOL_DO_CONNECT);
    nothing_more(w);
}

static inline void ask(struct world *w, size_t ticket, const char *key)
{
    handle(w, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &w->tickets[ticket], .key = key, .key_bytes = strlen(key)});
}

/* With tcpsock:connect's options. */
static inline void ask_limited(struct world *w, size_t ticket, unsigned size, unsigned backlog)
{
    handle(w, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &w->tickets[ticket], .key = "a:1", .key_bytes = 3, .size = size,
                                  .limited = true, .backlog = backlog});
}

static inline void answer_connect(struct world *w, size_t ticket, size_t conn)
{
    handle(w, (struct pool_event){.type = POOL_CONNECTED, .ticket = &w->tickets[ticket], .conn = &w->conns[conn]});
}

/* A new connection, in use. */
static inline void open_new(struct world *w, size_t conn, const char *key)
{
    ask(w, conn, key);
    expect_connect(w);
    answer_connect(w, conn, conn);
    nothing_more(w);
}

/* The same, and it creates a pool with a backlog. */
static inline void open_limited(struct world *w, size_t conn, unsigned size, unsigned backlog)
{
    ask_limited(w, conn, size, backlog);
    expect_connect(w);
    answer_connect(w, conn, conn);
    nothing_more(w);
}

static inline void cancel(struct world *w, size_t ticket)
{
    handle(w, (struct pool_event){.type = POOL_CANCEL, .ticket = &w->tickets[ticket]});
}

static inline void discard(struct world *w, size_t conn)
{
    handle(w, (struct pool_event){.type = POOL_DISCARD, .conn = &w->conns[conn]});
    expect_close(w, conn, POOL_REASON_DISCARDED);
}

static inline void count_view(void *user, const struct pool_view *view)
{
    assert_true(view->idle + view->in_use + view->connecting + view->waiting > 0);
    ++*(unsigned *)user;
}

static inline unsigned known_keys(const struct world *w)
{
    unsigned count = 0;
    pool_each(w->pool, &count, count_view);
    return count;
}

static inline void give_back(struct world *w, size_t conn, enum pool_seen seen, uint64_t timeout_ns, unsigned size)
{
    handle(w, (struct pool_event){.type = POOL_CHECKIN, .conn = &w->conns[conn], .seen = seen, .idle_timeout_ns = timeout_ns,
                                  .size = size});
}

static inline void park(struct world *w, size_t conn)
{
    give_back(w, conn, POOL_SEEN_QUIET, 0, 0);
    expect_park(w, conn);
}

static inline void tick_at(struct world *w, uint64_t now)
{
    w->now = now;
    handle(w, (struct pool_event){.type = POOL_TICK});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
