/* The pure core with a limit: who waits, who is served, what frees a place. */
#include "pool_kit.h"

static void who_waits_has_the_connection_that_comes_back(void **state)
{
    struct world *w = *state;
    open_limited(w, 0, 1, 2);
    ask(w, 1, "a:1");
    expect_wait(w);
    ask(w, 2, "a:1");
    expect_wait(w);
    give_back(w, 0, POOL_SEEN_QUIET, 0, 0);
    expect_reuse_by(w, 1, 0);
    give_back(w, 0, POOL_SEEN_QUIET, 0, 0);
    expect_reuse_by(w, 2, 0);
    assert_int_equal(w->conns[0].reused, 2);
}

static void a_freed_place_is_the_next_ones(void **state)
{
    struct world *w = *state;
    open_limited(w, 0, 1, 3);
    for (size_t i = 1; i < 4; i++) {
        ask(w, i, "a:1");
        expect_wait(w);
    }
    discard(w, 0);
    expect_connect_by(w, 1);
    handle(w, (struct pool_event){.type = POOL_CONNECT_FAILED, .ticket = &w->tickets[1]});
    expect_connect_by(w, 2);
    cancel(w, 2);
    expect_connect_by(w, 3);
    answer_connect(w, 3, 3);
    give_back(w, 3, POOL_SEEN_DATA, 0, 0);
    expect_close(w, 3, POOL_REASON_DUBIOUS);
    nothing_more(w);
    assert_int_equal(known_keys(w), 0);
}

static void a_dubious_checkin_frees_its_place(void **state)
{
    struct world *w = *state;
    open_limited(w, 0, 1, 1);
    ask(w, 1, "a:1");
    expect_wait(w);
    give_back(w, 0, POOL_SEEN_EOF, 0, 0);
    expect_close(w, 0, POOL_REASON_PEER_CLOSED);
    expect_connect_by(w, 1);
}

static void a_full_line_refuses(void **state)
{
    struct world *w = *state;
    open_limited(w, 0, 1, 1);
    ask(w, 1, "a:1");
    expect_wait(w);
    ask_limited(w, 2, 9, 9); /* the pool is another's already */
    expect_refusal(w, POOL_REASON_BACKLOG_FULL);
    cancel(w, 1);
    nothing_more(w);
    ask(w, 2, "a:1");
    expect_wait(w);
}

static void without_a_line_everybody_is_refused_at_once(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    ask_limited(w, 1, 1, 0); /* creates the pool, in vain: nothing keeps it */
    expect_refusal(w, POOL_REASON_BACKLOG_FULL);
    assert_false(pool_exists_for(&w->conns[0]));
    discard(w, 0);
    nothing_more(w);
    assert_int_equal(known_keys(w), 0);
}

static void connecting_and_idle_ones_count(void **state)
{
    struct world *w = *state;
    open_limited(w, 0, 2, 1);
    ask(w, 1, "a:1");
    expect_connect(w);
    ask(w, 2, "a:1");
    expect_wait(w);
    cancel(w, 2);
    give_back(w, 0, POOL_SEEN_QUIET, 0, 0);
    expect_park(w, 0);
    ask(w, 2, "a:1"); /* but what is idle is given out before the limit is looked at */
    expect_reuse_by(w, 2, 0);
}

static void a_newcomer_does_not_overtake_the_line(void **state)
{
    struct world *w = *state;
    open_limited(w, 0, 1, 2);
    ask(w, 1, "a:1");
    expect_wait(w);
    discard(w, 0);
    expect_connect_by(w, 1);
    ask(w, 2, "a:1");
    expect_wait(w);
}

static void the_limit_holds_for_connections_from_before_the_pool(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    open_new(w, 1, "a:1");
    ask_limited(w, 2, 1, 1);
    expect_wait(w);
    give_back(w, 0, POOL_SEEN_QUIET, 0, 0);
    expect_close(w, 0, POOL_REASON_OVER_LIMIT);
    nothing_more(w);
    give_back(w, 1, POOL_SEEN_QUIET, 0, 0);
    expect_reuse_by(w, 2, 1);
}

static void who_waits_keeps_the_pool(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    ask_limited(w, 1, 1, 1);
    expect_wait(w);
    assert_true(pool_exists_for(&w->conns[0]));
    cancel(w, 1);
    nothing_more(w);
    assert_false(pool_exists_for(&w->conns[0]));
    ask_limited(w, 1, 2, 1); /* sized anew */
    expect_connect(w);
}

static void a_stopping_pool_serves_its_line_with_new_connections(void **state)
{
    struct world *w = *state;
    open_limited(w, 0, 1, 1);
    ask(w, 1, "a:1");
    expect_wait(w);
    handle(w, (struct pool_event){.type = POOL_STOP});
    nothing_more(w);
    give_back(w, 0, POOL_SEEN_QUIET, 0, 0);
    expect_close(w, 0, POOL_REASON_STOPPING);
    expect_connect_by(w, 1);
}

static void a_dead_connection_makes_way_for_a_new_one(void **state)
{
    struct world *w = *state;
    open_limited(w, 0, 1, 1);
    park(w, 0);
    w->polled = w->now;
    w->blocked = true;
    w->now += MS;
    ask_limited(w, 1, 2, 0);
    assert_int_equal(next(w).type, POOL_DO_PROBE);
    handle(w, (struct pool_event){.type = POOL_PROBED, .ticket = &w->tickets[1], .conn = &w->conns[0], .seen = POOL_SEEN_ERROR});
    expect_close(w, 0, POOL_REASON_PEER_RESET);
    expect_connect_by(w, 1);
    ask(w, 2, "a:1"); /* the pool was gone with its last connection: this one has another size */
    expect_connect_by(w, 2);
    ask(w, 3, "a:1");
    expect_refusal(w, POOL_REASON_BACKLOG_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_waits_has_the_connection_that_comes_back),
        TEST(a_freed_place_is_the_next_ones),
        TEST(a_dubious_checkin_frees_its_place),
        TEST(a_full_line_refuses),
        TEST(without_a_line_everybody_is_refused_at_once),
        TEST(connecting_and_idle_ones_count),
        TEST(a_newcomer_does_not_overtake_the_line),
        TEST(the_limit_holds_for_connections_from_before_the_pool),
        TEST(who_waits_keeps_the_pool),
        TEST(a_stopping_pool_serves_its_line_with_new_connections),
        TEST(a_dead_connection_makes_way_for_a_new_one),
    };
    return cmocka_run_group_tests_name("pool_limit", tests, NULL, NULL);
}
