/* The histogram against what it stands for: the sorted values themselves. */
#include "load/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DIGITS 3

static uint64_t random_state;

static uint64_t random_below(uint64_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (random_state >> 16) % n;
}

/* Every magnitude as likely as any other. */
static uint64_t random_value(void)
{
    return random_below((UINT64_C(2) << random_below(32)) % (HISTOGRAM_HIGHEST + 1) + 1);
}

static struct histogram *new_histogram(unsigned digits)
{
    struct histogram *h = calloc(1, histogram_bytes(digits));
    assert_non_null(h);
    histogram_init(h, digits);
    return h;
}

static int set_up(void **state)
{
    (void)state;
    random_state = 42;
    return 0;
}

static void no_value_is_further_from_its_slot_than_the_digits_allow(void **state)
{
    (void)state;
    for (unsigned digits = 1; digits <= 5; digits++) {
        struct histogram *h = new_histogram(digits);
        uint64_t part = 1;
        for (unsigned i = 0; i < digits; i++)
            part *= 10;
        for (int i = 0; i < 20000; i++) {
            uint64_t value = random_value(), top = histogram_top_of(h, value);
            assert_in_range(top - value, 0, value / part);
            assert_int_equal(histogram_slot(h, top), histogram_slot(h, value));
            assert_int_equal(histogram_slot(h, top + 1), histogram_slot(h, value) + 1);
        }
        assert_in_range(histogram_slot(h, HISTOGRAM_HIGHEST), 0, h->slots - 1);
        free(h);
    }
}

static void geometry_is_that_of_hdrhistogram(void **state)
{
    struct histogram *h = new_histogram(DIGITS);
    (void)state;
    /* HdrHistogram of 1 to 3,600,000,000 with 3 digits prints: Buckets = 22, SubBuckets = 2048. */
    assert_int_equal(h->buckets, 22);
    assert_int_equal(2u << h->half_bits, 2048);
    assert_int_equal(histogram_top_of(h, 2047), 2047);
    assert_int_equal(histogram_top_of(h, 2048), 2049);
    assert_int_equal(histogram_top_of(h, 10000), 10007);
    free(h);
}

static void an_empty_one_says_nothing(void **state)
{
    struct histogram *h = new_histogram(DIGITS);
    struct histogram_walk walk = histogram_walk(h, 5);
    (void)state;
    assert_int_equal(histogram_count(h), 0);
    assert_int_equal(histogram_percentile(h, 99), 0);
    assert_true(h->min > h->max);
    assert_true(histogram_mean(h) <= 0 && histogram_variance(h) <= 0);
    assert_false(histogram_walk_next(&walk));
    free(h);
}

static void what_is_longer_than_an_hour_counts_as_an_hour(void **state)
{
    struct histogram *h = new_histogram(DIGITS);
    (void)state;
    histogram_record(h, UINT64_MAX);
    histogram_record(h, 0);
    assert_int_equal(histogram_count(h), 2);
    assert_int_equal(h->min, 0);
    assert_int_equal(histogram_percentile(h, 50), 0);
    assert_int_equal(histogram_percentile(h, 100), HISTOGRAM_HIGHEST);
    free(h);
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* `exact` is sorted. The percentiles are in thousandths of a percent, so that the rank is computed in whole numbers. */
static void check_percentiles(const struct histogram *h, const uint64_t *exact, uint64_t count)
{
    static const uint64_t levels[] = {1000, 10000, 25000, 50000, 75000, 90000, 99000, 99900, 99990, 99999, 100000};
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        uint64_t rank = (count * levels[i] + 99999) / 100000;
        uint64_t wanted = exact[rank - 1], got = histogram_percentile(h, (double)levels[i] / 1000);
        assert_in_range(got, wanted, wanted + wanted / 1000);
    }
    assert_int_equal(histogram_percentile(h, 0), histogram_top_of(h, exact[0]));
    assert_int_equal(histogram_percentile(h, 100), exact[count - 1]);
    assert_int_equal(h->min, exact[0]);
    assert_int_equal(h->max, exact[count - 1]);
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
    static uint64_t values[100000];
    static const uint64_t counts[] = {1, 2, 3, 10, 99, 100, 101, 999, 1000, 1001, 100000};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct histogram *h = new_histogram(DIGITS);
        for (uint64_t k = 0; k < counts[i]; k++)
            histogram_record(h, values[k] = random_value());
        qsort(values, counts[i], sizeof values[0], ascending);
        assert_int_equal(histogram_count(h), counts[i]);
        check_percentiles(h, values, counts[i]);
        free(h);
    }
}

static void merging_is_recording_into_one(void **state)
{
    struct histogram *parts[3], *both = new_histogram(DIGITS), *merged = new_histogram(DIGITS);
    (void)state;
    for (int i = 0; i < 3; i++)
        parts[i] = new_histogram(DIGITS);
    for (int i = 0; i < 3000; i++) {
        uint64_t value = random_value();
        histogram_record(parts[i % 2], value); /* the third stays empty */
        histogram_record(both, value);
    }
    for (int i = 0; i < 3; i++) {
        histogram_merge(merged, parts[i]);
        free(parts[i]);
    }
    assert_memory_equal(merged, both, histogram_bytes(DIGITS));
    free(merged);
    free(both);
}

static void mean_and_variance_of_a_small_set(void **state)
{
    static const uint64_t values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct histogram *h = new_histogram(DIGITS);
    (void)state;
    for (size_t i = 0; i < 8; i++)
        histogram_record(h, values[i]);
    assert_float_equal(histogram_mean(h), 5, 1e-9);
    assert_float_equal(histogram_variance(h), 4, 1e-9);
    free(h);
}

/* What HdrHistogram's text format has for the values 1 to 10: five steps for each halving of the distance to 100 %. */
static void the_walk_takes_the_steps_of_the_text_format(void **state)
{
    static const struct {
        uint64_t value;
        double percentile;
    } steps[] = {{1, 0}, {1, 10}, {2, 20}, {3, 30}, {4, 40}, {5, 50}, {6, 55}, {6, 60}, {7, 65}, {7, 70}, {8, 75},
                 {8, 77.5}, {8, 80}, {9, 82.5}, {9, 85}, {9, 87.5}, {9, 88.75}, {9, 90}, {10, 91.25}, {10, 100}};
    struct histogram *h = new_histogram(DIGITS);
    (void)state;
    for (uint64_t value = 1; value <= 10; value++)
        histogram_record(h, value);
    struct histogram_walk walk = histogram_walk(h, 5);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        assert_true(histogram_walk_next(&walk));
        assert_int_equal(walk.value, steps[i].value);
        assert_float_equal(walk.percentile, steps[i].percentile, 1e-9);
        assert_int_equal(walk.count, steps[i].value);
    }
    assert_false(histogram_walk_next(&walk));
    free(h);
}

static void the_walk_agrees_with_the_percentiles(void **state)
{
    struct histogram *h = new_histogram(DIGITS);
    double last = -1;
    (void)state;
    for (int i = 0; i < 12345; i++)
        histogram_record(h, random_value());
    struct histogram_walk walk = histogram_walk(h, 5);
    while (histogram_walk_next(&walk)) {
        uint64_t value = histogram_percentile(h, walk.percentile);
        assert_true(walk.percentile > last);
        assert_int_equal(histogram_top_of(h, value), walk.value);
        last = walk.percentile;
    }
    assert_float_equal(last, 100, 0);
    assert_int_equal(walk.count, 12345);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(no_value_is_further_from_its_slot_than_the_digits_allow, set_up),
        cmocka_unit_test_setup(geometry_is_that_of_hdrhistogram, set_up),
        cmocka_unit_test_setup(an_empty_one_says_nothing, set_up),
        cmocka_unit_test_setup(what_is_longer_than_an_hour_counts_as_an_hour, set_up),
        cmocka_unit_test_setup(percentiles_are_those_of_the_sorted_values, set_up),
        cmocka_unit_test_setup(merging_is_recording_into_one, set_up),
        cmocka_unit_test_setup(mean_and_variance_of_a_small_set, set_up),
        cmocka_unit_test_setup(the_walk_takes_the_steps_of_the_text_format, set_up),
        cmocka_unit_test_setup(the_walk_agrees_with_the_percentiles, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
