/* The pure core where memory is out: each of its allocations fails once. Linked with proof/alloc.h's malloc. */
#include "pool_kit.h"
#include "proof/alloc.h"

#define MANY 80u /* keys: more than the core's first table holds */

static long blocks_before;

static int begin(void **state)
{
    alloc_fail(0, 0);
    blocks_before = alloc_live();
    return set_up(state);
}

static int end(void **state)
{
    alloc_fail(0, 0);
    tear_down(state);
    return alloc_live() == blocks_before ? 0 : -1;
}

/* Of the key with this number; limited: creates a pool of one. */
static void ask_key(struct world *w, size_t ticket, size_t key, bool limited)
{
    char text[2] = {(char)('a' + key / 10), (char)('0' + key % 10)};
    handle(w, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &w->tickets[ticket], .key = text, .key_bytes = 2, .size = limited,
                                  .limited = limited, .backlog = 1});
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
    ask_key(w, 0, 0, false);
    expect(w, POOL_DO_REFUSE, POOL_REASON_NO_MEMORY);
    nothing_more(w);
    ask_key(w, 0, 0, false); /* there is memory again */
    expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
}

/* Without room for its deadline a connection could not be kept; who is next in line has its place. */
static void a_new_connection_is_refused_and_its_place_goes_on(void **state)
{
    struct world *w = *state;
    ask_key(w, 0, 0, true);
    expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
    ask_key(w, 1, 0, false);
    expect(w, POOL_DO_WAIT, POOL_REASON_NONE);
    alloc_fail(1, 1);
    answer_connect(w, 0, 0);
    expect(w, POOL_DO_REFUSE, POOL_REASON_NO_MEMORY);
    expect(w, POOL_DO_CLOSE, POOL_REASON_NO_MEMORY);
    expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
    answer_connect(w, 1, 1);
    nothing_more(w);
}

static void a_table_that_cannot_grow_still_finds_everything(void **state)
{
    struct world *w = *state;
    struct pool_stats stats;
    for (size_t i = 0; i < MANY; i++) {
        alloc_fail(2, 1);
        ask_key(w, i, i, true);
        expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
    }
    assert_true(alloc_failures() > 0);
    for (size_t i = 0; i < MANY; i++)
        cancel(w, i);
    pool_stats_all(w->pool, &stats);
    assert_int_equal(stats.connecting, 0);
}

#define SCARCE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCARCE(no_pool_without_memory),
        SCARCE(a_new_key_is_refused),
        SCARCE(a_new_connection_is_refused_and_its_place_goes_on),
        SCARCE(a_table_that_cannot_grow_still_finds_everything),
    };
    return cmocka_run_group_tests_name("pool_memory", tests, NULL, NULL);
}
