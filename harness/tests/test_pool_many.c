/* The pure core with more than a drill can say (drills/): keys and deadlines by the hundred. */
#include "pool_kit.h"

#define KEYS 300u

static void more_keys_than_buckets(void **state)
{
    struct world *w = *state;
    static struct pool_ticket tickets[KEYS];
    memset(tickets, 0, sizeof tickets);
    open_new(w, 0);
    park(w, 0, 0, 0);
    for (size_t i = 0; i < KEYS; i++) {
        char key[] = {'k', (char)('0' + i / 100), (char)('0' + i / 10 % 10), (char)('0' + i % 10)};
        handle(w, (struct pool_event){.type = POOL_CHECKOUT, .ticket = &tickets[i], .key = key, .key_bytes = sizeof key});
        expect(w, POOL_DO_CONNECT, POOL_REASON_NONE);
    }
    assert_int_equal(known_keys(w), 1 + KEYS);
    ask(w, 1);
    expect(w, POOL_DO_REUSE, POOL_REASON_NONE);
    for (size_t i = 0; i < KEYS; i++)
        handle(w, (struct pool_event){.type = POOL_CANCEL, .ticket = &tickets[i]});
    assert_int_equal(known_keys(w), 1);
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
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        size_t count = counts[n];
        memset(w->conns, 0, sizeof w->conns);
        for (size_t i = 0; i < count; i++)
            open_new(w, i);
        for (size_t i = 0; i < count; i++)
            park(w, i, (1 + i * 11 % 128) * MS, (unsigned)count);
        for (size_t out = 0; out < count; out++) {
            size_t i = out * 41 % count;
            assert_int_equal(pool_deadline(w->pool), earliest(w->conns, count));
            handle(w, (struct pool_event){.type = POOL_READABLE, .conn = &w->conns[i], .seen = POOL_SEEN_EOF});
            assert_ptr_equal(expect(w, POOL_DO_CLOSE, POOL_REASON_PEER_CLOSED).conn, &w->conns[i]);
        }
        assert_int_equal(known_keys(w), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(more_keys_than_buckets),
        TEST(many_deadlines_stay_in_order),
    };
    return cmocka_run_group_tests_name("pool_many", tests, NULL, NULL);
}
