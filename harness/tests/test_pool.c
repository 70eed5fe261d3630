/* The pure core, event by event: what each check-in, check-out, look and tick makes it say. */
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
    struct pool_ticket tickets[8];
};

static int set_up(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.now = 1000u * MS;
    w.pool = pool_new(&(struct pool_config){.size = SIZE, .idle_timeout_ns = IDLE_NS, .look_again_ns = MS / 10});
    *state = &w;
    return w.pool ? 0 : -1;
}

static int tear_down(void **state)
{
    pool_free(((struct world *)*state)->pool);
    return 0;
}

static void handle(struct world *w, struct pool_event event)
{
    event.now_ns = w->now;
    event.polled_ns = w->blocked ? w->polled : w->now;
    pool_handle(w->pool, &event);
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

static void expect_close(struct world *w, size_t conn, enum pool_reason reason)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_CLOSE);
    assert_ptr_equal(action.conn, &w->conns[conn]);
    assert_string_equal(pool_reason_text(action.reason), pool_reason_text(reason));
}

static void expect_park(struct world *w, size_t conn)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_PARK);
    assert_ptr_equal(action.conn, &w->conns[conn]);
    nothing_more(w);
}

static void expect_reuse(struct world *w, size_t conn)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_REUSE);
    assert_ptr_equal(action.conn, &w->conns[conn]);
    nothing_more(w);
}

static void expect_reuse_by(struct world *w, size_t ticket, size_t conn)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_REUSE);
    assert_ptr_equal(action.ticket, &w->tickets[ticket]);
    assert_ptr_equal(action.conn, &w->conns[conn]);
    nothing_more(w);
}

static void expect_connect_by(struct world *w, size_t ticket)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_CONNECT);
    assert_ptr_equal(action.ticket, &w->tickets[ticket]);
    nothing_more(w);
}

static void expect_wait(struct world *w)
{
    assert_int_equal(next(w).type, POOL_DO_WAIT);
    nothing_more(w);
}

static void expect_refusal(struct world *w, enum pool_reason reason)
{
    struct pool_action action = next(w);
    assert_int_equal(action.type, POOL_DO_REFUSE);
    assert_string_equal(pool_reason_text(action.reason), pool_reason_text(reason));
    nothing_more(w);
}

static void expect_connect(struct world *w)
{
    assert_int_equal(next(w).type, POOL_DO_CONNECT);
    nothing_more(w);
}

static void ask(struct world *w, size_t ticket, const char *key)
{
    handle(w, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &w->tickets[ticket], .key = key, .key_bytes = strlen(key)});
}

/* With tcpsock:connect's options. */
static void ask_limited(struct world *w, size_t ticket, unsigned size, unsigned backlog)
{
    handle(w, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &w->tickets[ticket], .key = "a:1", .key_bytes = 3, .size = size,
                                  .limited = true, .backlog = backlog});
}

static void answer_connect(struct world *w, size_t ticket, size_t conn)
{
    handle(w, (struct pool_event){.type = POOL_CONNECTED, .ticket = &w->tickets[ticket], .conn = &w->conns[conn]});
}

/* A new connection, in use. */
static void open_new(struct world *w, size_t conn, const char *key)
{
    ask(w, conn, key);
    expect_connect(w);
    answer_connect(w, conn, conn);
    nothing_more(w);
}

/* The same, and it creates a pool with a backlog. */
static void open_limited(struct world *w, size_t conn, unsigned size, unsigned backlog)
{
    ask_limited(w, conn, size, backlog);
    expect_connect(w);
    answer_connect(w, conn, conn);
    nothing_more(w);
}

static void cancel(struct world *w, size_t ticket)
{
    handle(w, (struct pool_event){.type = POOL_CANCEL, .ticket = &w->tickets[ticket]});
}

static void discard(struct world *w, size_t conn)
{
    handle(w, (struct pool_event){.type = POOL_DISCARD, .conn = &w->conns[conn]});
    expect_close(w, conn, POOL_REASON_DISCARDED);
}

static void count_view(void *user, const struct pool_view *view)
{
    assert_true(view->idle + view->in_use + view->connecting + view->waiting > 0);
    ++*(unsigned *)user;
}

static unsigned known_keys(const struct world *w)
{
    unsigned count = 0;
    pool_each(w->pool, &count, count_view);
    return count;
}

static void give_back(struct world *w, size_t conn, enum pool_seen seen, uint64_t timeout_ns, unsigned size)
{
    handle(w, (struct pool_event){.type = POOL_CHECKIN, .conn = &w->conns[conn], .seen = seen, .idle_timeout_ns = timeout_ns,
                                  .size = size});
}

static void park(struct world *w, size_t conn)
{
    give_back(w, conn, POOL_SEEN_QUIET, 0, 0);
    expect_park(w, conn);
}

static void tick_at(struct world *w, uint64_t now)
{
    w->now = now;
    handle(w, (struct pool_event){.type = POOL_TICK});
}

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

/* --- size ------------------------------------------------------------------------------------------------------------------ */

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

/* --- looking ---------------------------------------------------------------------------------------------------------------- */

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

/* --- time -------------------------------------------------------------------------------------------------------------------- */

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

/* --- a limited pool ---------------------------------------------------------------------------------------------------------- */

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

/* --- ends -------------------------------------------------------------------------------------------------------------------- */

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(each_connection_expires_at_its_own_time),
        TEST(a_due_connection_is_not_handed_out),
        TEST(nor_one_that_fell_due_while_it_was_looked_at),
        TEST(many_deadlines_stay_in_order),
        TEST(unlimited_never_expires),
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
        TEST(discarded_and_failed_ones_leave_nothing),
        TEST(a_stopped_pool_takes_nothing),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
