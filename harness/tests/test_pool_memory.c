/* The pure core where memory is out: each of its allocations fails once. Linked with proof/alloc.h's malloc. */
#include "pool/pool.h"
#include "proof/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MANY 80u /* keys: more than the core's first table holds */

struct world {
    struct pool *pool;
    long blocks_before;
    struct pool_conn conns[2];
    struct pool_ticket tickets[MANY];
};

static const struct pool_config config = {.size = 2, .idle_timeout_ns = 1000, .look_again_ns = 100};

static int set_up(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    alloc_fail(0, 0);
    w.blocks_before = alloc_live();
    w.pool = pool_new(&config);
    *state = &w;
    return w.pool ? 0 : -1;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    alloc_fail(0, 0);
    pool_free(w->pool);
    return alloc_live() == w->blocks_before ? 0 : -1;
}

static struct pool_action next(struct world *w)
{
    struct pool_action action = {.reason = POOL_REASON_COUNT};
    assert_true(pool_next_action(w->pool, &action));
    return action;
}

static void nothing_more(struct world *w)
{
    struct pool_action action;
    assert_false(pool_next_action(w->pool, &action));
}

static void ask(struct world *w, size_t ticket, size_t key, bool limited)
{
    char text[2] = {(char)('a' + key / 10), (char)('0' + key % 10)};
    pool_handle(w->pool, &(struct pool_event){.type = POOL_CHECKOUT, .ticket = &w->tickets[ticket], .key = text, .key_bytes = 2,
                                              .size = limited, .limited = limited, .backlog = 1});
}

static void expect(struct world *w, enum pool_action_type type, enum pool_reason reason)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, type);
    assert_string_equal(pool_reason_text(action.reason), pool_reason_text(reason));
}

static void connected(struct world *w, size_t ticket, size_t conn)
{
    pool_handle(w->pool, &(struct pool_event){.type = POOL_CONNECTED, .ticket = &w->tickets[ticket], .conn = &w->conns[conn]});
}

static void no_pool_without_memory(void **state)
{
    (void)state;
    for (unsigned first = 1; first <= 2; first++) {
        long before = alloc_live();
        alloc_fail(first, 1);
        assert_null(pool_new(&config));
        assert_int_equal(alloc_live(), before);
    }
    pool_free(NULL); /* and that is harmless */
}

static void a_new_key_is_refused(void **state)
{
    struct world *w = *state;
    alloc_fail(1, 1);
    ask(w, 0, 0, false);
    expect(w, POOL_DO_REFUSE, POOL_REASON_NO_MEMORY);
    nothing_more(w);
    ask(w, 0, 0, false); /* there is memory again */
    expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
}

/* Without room for its deadline a connection could not be kept; who is next in line has its place. */
static void a_new_connection_is_refused_and_its_place_goes_on(void **state)
{
    struct world *w = *state;
    ask(w, 0, 0, true);
    expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
    ask(w, 1, 0, false);
    expect(w, POOL_DO_WAIT, POOL_REASON_NONE);
    alloc_fail(1, 1);
    connected(w, 0, 0);
    expect(w, POOL_DO_REFUSE, POOL_REASON_NO_MEMORY);
    expect(w, POOL_DO_CLOSE, POOL_REASON_NO_MEMORY);
    expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
    connected(w, 1, 1);
    nothing_more(w);
}

static void a_table_that_cannot_grow_still_finds_everything(void **state)
{
    struct world *w = *state;
    struct pool_stats stats;
    for (size_t i = 0; i < MANY; i++) {
        alloc_fail(2, 1);
        ask(w, i, i, true);
        expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
    }
    assert_true(alloc_failures() > 0);
    for (size_t i = 0; i < MANY; i++)
        pool_handle(w->pool, &(struct pool_event){.type = POOL_CANCEL, .ticket = &w->tickets[i]});
    pool_stats_all(w->pool, &stats);
    assert_int_equal(stats.connecting, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_pool_without_memory),
        TEST(a_new_key_is_refused),
        TEST(a_new_connection_is_refused_and_its_place_goes_on),
        TEST(a_table_that_cannot_grow_still_finds_everything),
    };
    return cmocka_run_group_tests_name("pool_memory", tests, NULL, NULL);
}
