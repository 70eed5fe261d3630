/* The pure core, event by event: what each check-in, check-out and look makes it say. */
#include "pool_kit.h"

/* --- reuse ---------------------------------------------------------------------------------------------------------------- */

static void a_returned_connection_is_handed_out_again(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    park(w, 0);
    ask(w, 1, "a:1");
    expect_reuse(w, 0);
    assert_int_equal(w->conns[0].reused, 1);
}

static void the_most_recently_returned_comes_first(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    open_new(w, 1, "a:1");
    park(w, 1);
    park(w, 0);
    ask(w, 2, "a:1");
    expect_reuse(w, 0);
    ask(w, 3, "a:1");
    expect_reuse(w, 1);
}

static void another_key_is_another_pool(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    park(w, 0);
    ask(w, 1, "a:2");
    expect_connect(w);
}

static void more_keys_than_buckets(void **state)
{
    struct world *w = *state;
    static struct pool_ticket tickets[300];
    memset(tickets, 0, sizeof tickets);
    open_new(w, 0, "a:1");
    park(w, 0);
    for (size_t i = 0; i < 300; i++) {
        char key[8] = {'k', (char)('0' + i / 100), (char)('0' + i / 10 % 10), (char)('0' + i % 10)};
        handle(w, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &tickets[i], .key = key, .key_bytes = 4});
        expect_connect(w);
    }
    ask(w, 1, "a:1");
    expect_reuse(w, 0);
    for (size_t i = 0; i < 300; i++)
        handle(w, (struct pool_event){.type = POOL_CANCEL, .ticket = &tickets[i]});
    struct pool_stats stats;
    pool_stats_all(w->pool, &stats);
    assert_int_equal(stats.connecting, 0);
}

/* --- size ----------------------------------------------------------------------------------------------------------------- */

static void a_full_pool_closes_the_least_recently_returned(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 3; i++)
        open_new(w, i, "a:1");
    park(w, 1);
    park(w, 0);
    give_back(w, 2, POOL_SEEN_QUIET, 0, 0);
    expect_close(w, 1, POOL_REASON_EVICTED);
    expect_park(w, 2);
}

static void the_size_is_the_first_callers_while_the_pool_lives(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    open_new(w, 1, "a:1");
    give_back(w, 0, POOL_SEEN_QUIET, 0, 1);
    expect_park(w, 0);
    assert_true(pool_exists_for(&w->conns[1]));
    give_back(w, 1, POOL_SEEN_QUIET, 0, 5);
    expect_close(w, 0, POOL_REASON_EVICTED);
    expect_park(w, 1);
}

static void the_size_is_chosen_anew_once_the_pool_is_gone(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    give_back(w, 0, POOL_SEEN_QUIET, 0, 1);
    expect_park(w, 0);
    tick_at(w, w->now + IDLE_NS);
    expect_close(w, 0, POOL_REASON_EXPIRED);
    for (size_t i = 1; i < 3; i++)
        open_new(w, i, "a:1");
    give_back(w, 1, POOL_SEEN_QUIET, 0, 2);
    expect_park(w, 1);
    park(w, 2);
}

static void a_connection_from_before_the_pool_does_not_keep_it(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    open_new(w, 1, "a:1");
    give_back(w, 1, POOL_SEEN_QUIET, 0, 1);
    expect_park(w, 1);
    tick_at(w, w->now + IDLE_NS);
    expect_close(w, 1, POOL_REASON_EXPIRED);
    assert_false(pool_exists_for(&w->conns[0]));
}

/* --- looking -------------------------------------------------------------------------------------------------------------- */

static void dubious_evicts_nobody(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < 3; i++)
        open_new(w, i, "a:1");
    park(w, 0);
    park(w, 1);
    give_back(w, 2, POOL_SEEN_DATA, 0, 0);
    expect_close(w, 2, POOL_REASON_DUBIOUS);
    nothing_more(w);
}

static void what_the_watcher_sees_ends_an_idle_connection(void **state)
{
    struct world *w = *state;
    static const struct {
        enum pool_seen seen;
        enum pool_reason reason;
    } cases[] = {{POOL_SEEN_DATA, POOL_REASON_STRAY}, {POOL_SEEN_EOF, POOL_REASON_PEER_CLOSED},
                 {POOL_SEEN_ERROR, POOL_REASON_PEER_RESET}};
    for (size_t i = 0; i < 3; i++) {
        open_new(w, i, "a:1");
        park(w, i);
        handle(w, (struct pool_event){.type = POOL_READABLE, .conn = &w->conns[i], .seen = POOL_SEEN_QUIET});
        nothing_more(w);
        handle(w, (struct pool_event){.type = POOL_READABLE, .conn = &w->conns[i], .seen = cases[i].seen});
        expect_close(w, i, cases[i].reason);
        nothing_more(w);
    }
}

static void a_blocked_loop_makes_it_look_before_it_hands_out(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    open_new(w, 1, "a:1");
    park(w, 0);
    park(w, 1);
    w->polled = w->now;
    w->blocked = true;
    w->now += MS;
    ask(w, 2, "a:1");
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_PROBE);
    handle(w, (struct pool_event){.type = POOL_PROBED, .ticket = action.ticket, .conn = action.conn, .seen = POOL_SEEN_DATA});
    expect_close(w, 1, POOL_REASON_STRAY);
    action = next(w);
    assert_int_equal(action.type, POOL_DO_PROBE);
    assert_ptr_equal(action.conn, &w->conns[0]);
    handle(w, (struct pool_event){.type = POOL_PROBED, .ticket = action.ticket, .conn = action.conn, .seen = POOL_SEEN_QUIET});
    expect_reuse(w, 0);
}

static void a_fresh_look_is_enough(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    w->polled = w->now;
    w->blocked = true;
    w->now += MS; /* the loop has not run, but the check-in itself looks */
    park(w, 0);
    ask(w, 1, "a:1");
    expect_reuse(w, 0);
}

/* --- ends ----------------------------------------------------------------------------------------------------------------- */

static void discarded_and_failed_ones_leave_nothing(void **state)
{
    struct world *w = *state;
    struct pool_stats stats;
    open_new(w, 0, "a:1");
    handle(w, (struct pool_event){.type = POOL_DISCARD, .conn = &w->conns[0]});
    expect_close(w, 0, POOL_REASON_DISCARDED);
    ask(w, 1, "a:1");
    expect_connect(w);
    handle(w, (struct pool_event){.type = POOL_CONNECT_FAILED, .ticket = &w->tickets[1]});
    nothing_more(w);
    pool_stats_all(w->pool, &stats);
    assert_int_equal(stats.in_use + stats.idle + stats.connecting, 0);
    assert_int_equal(stats.connect_failures, 1);
}

static void a_stopped_pool_takes_nothing(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    open_new(w, 1, "b:1");
    park(w, 0);
    handle(w, (struct pool_event){.type = POOL_STOP});
    expect_close(w, 0, POOL_REASON_STOPPING);
    nothing_more(w);
    give_back(w, 1, POOL_SEEN_QUIET, 0, 0);
    expect_close(w, 1, POOL_REASON_STOPPING);
    nothing_more(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_returned_connection_is_handed_out_again),
        TEST(the_most_recently_returned_comes_first),
        TEST(another_key_is_another_pool),
        TEST(more_keys_than_buckets),
        TEST(a_full_pool_closes_the_least_recently_returned),
        TEST(the_size_is_the_first_callers_while_the_pool_lives),
        TEST(the_size_is_chosen_anew_once_the_pool_is_gone),
        TEST(a_connection_from_before_the_pool_does_not_keep_it),
        TEST(dubious_evicts_nobody),
        TEST(what_the_watcher_sees_ends_an_idle_connection),
        TEST(a_blocked_loop_makes_it_look_before_it_hands_out),
        TEST(a_fresh_look_is_enough),
        TEST(discarded_and_failed_ones_leave_nothing),
        TEST(a_stopped_pool_takes_nothing),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
