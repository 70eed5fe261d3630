/* What the tests of the pure core share that a drill cannot say (drills/): a pool with connections, tickets and a clock. */
#pragma once
#include "pool/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000u

struct world {
    struct pool *pool;
    uint64_t now;
    struct pool_conn conns[129];
    struct pool_ticket tickets[129];
};

static const struct pool_config config = {.size = 2, .idle_timeout_ns = 100u * MS, .look_again_ns = MS / 10};

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
    event.now_ns = event.polled_ns = w->now;
    pool_handle(w->pool, &event);
}

static inline struct pool_action expect(struct world *w, enum pool_action_type type, enum pool_reason reason)
{
    struct pool_action action = {.reason = POOL_REASON_COUNT};
    assert_true(pool_next_action(w->pool, &action));
    assert_int_equal(action.type, type);
    assert_string_equal(pool_reason_text(action.reason), pool_reason_text(reason));
    return action;
}

static inline void nothing_more(struct world *w)
{
    struct pool_action action;
    assert_false(pool_next_action(w->pool, &action));
}

static inline void ask(struct world *w, size_t ticket)
{
    handle(w, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &w->tickets[ticket], .key = "a:1", .key_bytes = 3});
}

static inline void answer_connect(struct world *w, size_t ticket, size_t conn)
{
    handle(w, (struct pool_event){.type = POOL_CONNECTED, .ticket = &w->tickets[ticket], .conn = &w->conns[conn]});
}

/* A new connection, in use, by the ticket of the same number. */
static inline void open_new(struct world *w, size_t conn)
{
    ask(w, conn);
    expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
    answer_connect(w, conn, conn);
    nothing_more(w);
}

/* timeout_ns, size: 0, the default. */
static inline void park(struct world *w, size_t conn, uint64_t timeout_ns, unsigned size)
{
    handle(w, (struct pool_event){.type = POOL_CHECKIN, .conn = &w->conns[conn], .idle_timeout_ns = timeout_ns, .size = size});
    expect(w, POOL_DO_PARK, POOL_REASON_NONE);
    nothing_more(w);
}

static inline void cancel(struct world *w, size_t ticket)
{
    handle(w, (struct pool_event){.type = POOL_CANCEL, .ticket = &w->tickets[ticket]});
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
