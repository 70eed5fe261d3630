/* When requests start, in a time that is only a number. */
#include "load/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define START (1000 * MS)

static struct sched *new_sched(struct sched_config config)
{
    config.start_ns = START;
    if (!config.end_ns)
        config.end_ns = SCHED_NEVER;
    if (!config.requests)
        config.requests = UINT64_MAX;
    if (!config.workers)
        config.workers = 1;
    struct sched *s = sched_new(&config);
    assert_non_null(s);
    return s;
}

static struct sched_start take(struct sched *s, uint64_t now_ns)
{
    struct sched_start start;
    assert_true(sched_take(s, now_ns, &start));
    return start;
}

static void assert_nothing(struct sched *s, uint64_t now_ns)
{
    struct sched_start start;
    assert_false(sched_take(s, now_ns, &start));
}

/* --- closed loop ---------------------------------------------------------------------------------------------------------- */

static void every_user_starts_once_and_again_when_done(void **state)
{
    struct sched *s = new_sched((struct sched_config){.users = 3});
    unsigned seen = 0;
    (void)state;
    assert_nothing(s, START - 1);
    assert_int_equal(sched_next_ns(s), START);
    for (int i = 0; i < 3; i++)
        seen |= 1u << take(s, START).user;
    assert_int_equal(seen, 7);
    assert_nothing(s, START + 10 * MS);
    assert_int_equal(sched_next_ns(s), SCHED_NEVER);
    sched_done(s, 1, START + 11 * MS);
    assert_int_equal(take(s, START + 11 * MS).user, 1);
    assert_nothing(s, START + 11 * MS);
    sched_free(s);
}

static void a_user_thinks_before_it_asks_again(void **state)
{
    struct sched *s = new_sched((struct sched_config){.users = 1, .think_min_ns = 5 * MS, .think_max_ns = 5 * MS});
    (void)state;
    take(s, START);
    sched_done(s, 0, START + MS);
    assert_int_equal(sched_next_ns(s), START + 6 * MS);
    assert_nothing(s, START + 6 * MS - 1);
    assert_int_equal(take(s, START + 7 * MS).due_ns, START + 6 * MS);
    sched_free(s);
}

static void think_times_are_drawn_from_the_range_by_the_seed(void **state)
{
    struct sched_config config = {.users = 1, .think_min_ns = 2 * MS, .think_max_ns = 4 * MS, .seed = 7};
    struct sched *s = new_sched(config), *same = new_sched(config), *other;
    uint64_t low = SCHED_NEVER, high = 0, differing = 0;
    (void)state;
    config.seed = 8;
    other = new_sched(config);
    uint64_t now = START, now_other = START;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(take(s, now).due_ns, take(same, now).due_ns);
        take(other, now_other);
        sched_done(s, 0, now);
        sched_done(same, 0, now);
        sched_done(other, 0, now_other);
        uint64_t think = sched_next_ns(s) - now, think_other = sched_next_ns(other) - now_other;
        assert_in_range(think, 2 * MS, 4 * MS);
        low = think < low ? think : low;
        high = think > high ? think : high;
        differing += think != think_other;
        now = sched_next_ns(s);
        now_other = sched_next_ns(other);
    }
    assert_in_range(low, 2 * MS, 2 * MS + MS / 10);
    assert_in_range(high, 4 * MS - MS / 10, 4 * MS);
    assert_true(differing > 990);
    sched_free(s);
    sched_free(same);
    sched_free(other);
}

static void users_pause_behind_every_nth_of_their_requests(void **state)
{
    enum { USERS = 2, EVERY = 4 };
    struct sched *s = new_sched((struct sched_config){
        .users = USERS, .think_min_ns = MS, .think_max_ns = MS, .pause_ns = 50 * MS, .pause_every = EVERY});
    unsigned count[USERS] = {0};
    uint64_t due[USERS] = {START, START};
    (void)state;
    for (int i = 0; i < 40; i++) {
        uint64_t now = sched_next_ns(s);
        struct sched_start start = take(s, now);
        assert_int_equal(start.due_ns, due[start.user]);
        sched_done(s, start.user, now);
        due[start.user] = now + MS + (++count[start.user] % EVERY == 0 ? 50 * MS : 0);
    }
    sched_free(s);
}

static void who_is_free_first_goes_first(void **state)
{
    enum { USERS = 100 };
    struct sched *s = new_sched((struct sched_config){.users = USERS});
    uint64_t last = 0;
    (void)state;
    for (unsigned i = 0; i < USERS; i++)
        take(s, START);
    for (unsigned i = 0; i < USERS; i++)
        sched_done(s, i, START + i * 37 % USERS * MS);
    for (unsigned i = 0; i < USERS; i++) {
        struct sched_start start = take(s, START + 1000 * MS);
        assert_int_equal(start.due_ns, START + start.user * 37 % USERS * MS);
        assert_true(start.due_ns >= last);
        last = start.due_ns;
    }
    sched_free(s);
}

static void the_number_of_requests_is_a_limit(void **state)
{
    struct sched *s = new_sched((struct sched_config){.users = 5, .requests = 3});
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_false(sched_is_over(s, START));
        take(s, START);
    }
    assert_nothing(s, START);
    assert_true(sched_is_over(s, START));
    assert_int_equal(sched_next_ns(s), SCHED_NEVER);
    sched_free(s);
}

static void nothing_starts_after_the_end(void **state)
{
    struct sched *s = new_sched((struct sched_config){.users = 2, .end_ns = START + 10 * MS, .think_min_ns = 8 * MS,
                                                      .think_max_ns = 8 * MS});
    (void)state;
    take(s, START);
    take(s, START + 9 * MS);
    sched_done(s, 0, START + 9 * MS);
    assert_int_equal(sched_next_ns(s), SCHED_NEVER);
    assert_false(sched_is_over(s, START + 10 * MS - 1));
    assert_true(sched_is_over(s, START + 10 * MS));
    assert_nothing(s, START + 20 * MS);
    sched_free(s);
    /* Not even what was due before it. */
    s = new_sched((struct sched_config){.users = 1, .end_ns = START + 10 * MS});
    assert_nothing(s, START + 10 * MS);
    sched_free(s);
}

/* --- constant rate ---------------------------------------------------------------------------------------------------------- */

static void arrivals_come_at_the_rate_and_do_not_drift(void **state)
{
    struct sched *s = new_sched((struct sched_config){.users = 1, .rate = 3});
    (void)state;
    for (uint64_t k = 0; k < 30000; k++) {
        uint64_t due = START + (uint64_t)((double)k * 1e9 / 3);
        assert_int_equal(sched_next_ns(s), due);
        assert_nothing(s, due - 1);
        assert_int_equal(take(s, due).due_ns, due);
        sched_done(s, 0, due);
    }
    assert_int_equal(sched_next_ns(s), START + UINT64_C(10000) * 1000 * MS);
    sched_free(s);
}

static void an_arrival_that_finds_no_free_user_waits_and_stays_due_when_it_was(void **state)
{
    struct sched *s = new_sched((struct sched_config){.users = 1, .rate = 1000});
    (void)state;
    take(s, START);
    assert_nothing(s, START + 5 * MS);
    assert_int_equal(sched_next_ns(s), SCHED_NEVER); /* only a user that ends can change it */
    sched_done(s, 0, START + 5 * MS);
    assert_int_equal(take(s, START + 5 * MS).due_ns, START + 1 * MS);
    sched_done(s, 0, START + 6 * MS);
    assert_int_equal(take(s, START + 6 * MS).due_ns, START + 2 * MS);
    sched_free(s);
}

static void the_workers_share_the_arrivals_out(void **state)
{
    struct sched *all = new_sched((struct sched_config){.users = 1, .rate = 700});
    struct sched *one[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        one[i] = new_sched((struct sched_config){.users = 1, .rate = 700, .worker = i, .workers = 3});
    for (int k = 0; k < 300; k++) {
        uint64_t due = take(all, SCHED_NEVER - 1).due_ns;
        assert_int_equal(take(one[k % 3], SCHED_NEVER - 1).due_ns, due);
        sched_done(all, 0, due);
        sched_done(one[k % 3], 0, due);
    }
    for (unsigned i = 0; i < 3; i++)
        sched_free(one[i]);
    sched_free(all);
}

static void arrivals_that_never_started_are_counted(void **state)
{
    struct sched *s = new_sched((struct sched_config){.users = 1, .rate = 1000, .end_ns = START + 10 * MS});
    (void)state;
    assert_int_equal(sched_unserved(s, START), 0);
    assert_int_equal(sched_unserved(s, START + 1), 1);
    take(s, START);
    assert_int_equal(sched_unserved(s, START + 3 * MS), 2);
    assert_int_equal(sched_unserved(s, START + 500 * MS), 9);
    assert_nothing(s, START + 500 * MS);
    sched_free(s);
    s = new_sched((struct sched_config){.users = 1, .rate = 1000, .requests = 4});
    assert_int_equal(sched_unserved(s, START + 500 * MS), 4);
    sched_free(s);
    s = new_sched((struct sched_config){.users = 1});
    assert_int_equal(sched_unserved(s, START + 500 * MS), 0);
    sched_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_user_starts_once_and_again_when_done),
        cmocka_unit_test(a_user_thinks_before_it_asks_again),
        cmocka_unit_test(think_times_are_drawn_from_the_range_by_the_seed),
        cmocka_unit_test(users_pause_behind_every_nth_of_their_requests),
        cmocka_unit_test(who_is_free_first_goes_first),
        cmocka_unit_test(the_number_of_requests_is_a_limit),
        cmocka_unit_test(nothing_starts_after_the_end),
        cmocka_unit_test(arrivals_come_at_the_rate_and_do_not_drift),
        cmocka_unit_test(an_arrival_that_finds_no_free_user_waits_and_stays_due_when_it_was),
        cmocka_unit_test(the_workers_share_the_arrivals_out),
        cmocka_unit_test(arrivals_that_never_started_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
