/* The pure core and time: deadlines, ticks, and what falls due without one. */
#include "pool_kit.h"

static void each_connection_expires_at_its_own_time(void **state)
{
    struct world *w = *state;
    static const unsigned timeouts_ms[] = {70, 10, 90, 40, 60, 20};
    uint64_t start = w->now;
    assert_int_equal(pool_deadline(w->pool), POOL_UNLIMITED);
    for (size_t i = 0; i < 6; i++)
        open_new(w, i, "a:1");
    for (size_t i = 0; i < 6; i++) {
        give_back(w, i, POOL_SEEN_QUIET, timeouts_ms[i] * MS, 6);
        expect_park(w, i);
    }
    static const size_t order[] = {1, 5, 3, 4, 0, 2};
    for (size_t i = 0; i < 6; i++) {
        uint64_t deadline = start + timeouts_ms[order[i]] * MS;
        assert_int_equal(pool_deadline(w->pool), deadline);
        tick_at(w, deadline - 1);
        nothing_more(w);
        tick_at(w, deadline);
        expect_close(w, order[i], POOL_REASON_EXPIRED);
        nothing_more(w);
    }
}

static void a_due_connection_is_not_handed_out(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    park(w, 0);
    w->now += IDLE_NS; /* no tick came: the loop was busy */
    ask(w, 1, "a:1");
    expect_close(w, 0, POOL_REASON_EXPIRED);
    expect_connect(w);
}

static void nor_one_that_fell_due_while_it_was_looked_at(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    open_new(w, 1, "a:1");
    give_back(w, 0, POOL_SEEN_QUIET, POOL_UNLIMITED, 0);
    expect_park(w, 0);
    park(w, 1);
    w->polled = w->now;
    w->blocked = true;
    w->now += IDLE_NS - 1;
    ask(w, 2, "a:1");
    assert_int_equal(next(w).type, POOL_DO_PROBE);
    w->now += 1;
    handle(w, (struct pool_event){.type = POOL_PROBED, .ticket = &w->tickets[2], .conn = &w->conns[1], .seen = POOL_SEEN_QUIET});
    expect_close(w, 1, POOL_REASON_EXPIRED);
    assert_int_equal(next(w).type, POOL_DO_PROBE);
    handle(w, (struct pool_event){.type = POOL_PROBED, .ticket = &w->tickets[2], .conn = &w->conns[0], .seen = POOL_SEEN_QUIET});
    expect_reuse(w, 0);
}

/* Opens and parks `count` connections, with all kinds of timeouts. */
static void park_many(struct world *w, struct pool_conn *conns, size_t count)
{
    struct pool_ticket ticket = {0};
    for (size_t i = 0; i < count; i++) {
        handle(w, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &ticket, .key = "a:1", .key_bytes = 3});
        expect_connect(w);
        handle(w, (struct pool_event){.type = POOL_CONNECTED, .ticket = &ticket, .conn = &conns[i]});
    }
    for (size_t i = 0; i < count; i++) {
        handle(w, (struct pool_event){.type = POOL_CHECKIN, .conn = &conns[i], .size = (unsigned)count,
                                      .idle_timeout_ns = (1 + i * 11 % 128) * MS});
        assert_int_equal(next(w).type, POOL_DO_PARK);
    }
}

static uint64_t earliest(const struct pool_conn *conns, size_t count)
{
    uint64_t first = POOL_UNLIMITED;
    for (size_t i = 0; i < count; i++)
        if (conns[i].state == POOL_CONN_IDLE && conns[i].deadline_ns < first)
            first = conns[i].deadline_ns;
    return first;
}

/* At the edges of the room for deadlines. They leave from its middle, in an order in which what takes a place has to sink or
 * to rise. */
static void many_deadlines_stay_in_order(void **state)
{
    struct world *w = *state;
    static const size_t counts[] = {64, 65, 128, 129};
    static struct pool_conn conns[129];
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        memset(conns, 0, sizeof conns);
        park_many(w, conns, counts[n]);
        for (size_t out = 0; out < counts[n]; out++) {
            size_t i = out * 41 % counts[n];
            assert_int_equal(pool_deadline(w->pool), earliest(conns, counts[n]));
            handle(w, (struct pool_event){.type = POOL_READABLE, .conn = &conns[i], .seen = POOL_SEEN_EOF});
            assert_ptr_equal(next(w).conn, &conns[i]);
        }
        assert_int_equal(known_keys(w), 0);
    }
}

static void unlimited_never_expires(void **state)
{
    struct world *w = *state;
    open_new(w, 0, "a:1");
    give_back(w, 0, POOL_SEEN_QUIET, POOL_UNLIMITED, 0);
    expect_park(w, 0);
    assert_int_equal(pool_deadline(w->pool), POOL_UNLIMITED);
    tick_at(w, w->now + 365ull * 86400 * 1000 * MS);
    nothing_more(w);
    ask(w, 1, "a:1");
    expect_reuse(w, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_connection_expires_at_its_own_time),
        TEST(a_due_connection_is_not_handed_out),
        TEST(nor_one_that_fell_due_while_it_was_looked_at),
        TEST(many_deadlines_stay_in_order),
        TEST(unlimited_never_expires),
    };
    return cmocka_run_group_tests_name("pool_time", tests, NULL, NULL);
}
