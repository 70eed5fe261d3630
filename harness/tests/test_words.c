/* What a person typed, read strictly. */
#include "base/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void numbers(void **state)
{
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "18446744073709551666", "101", "9"};
    uint64_t value;
    (void)state;
    assert_true(words_number("10", 10, 100, &value) && value == 10);
    assert_true(words_number("0100", 10, 100, &value) && value == 100);
    assert_true(words_number("18446744073709551615", 0, UINT64_MAX, &value) && value == UINT64_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(words_number(bad[i], 10, 100, &value));
}

static void decimals(void **state)
{
    static const char *const bad[] = {"", ".", ".5", "-1", "inf", "nan", "0x10", "1e3", "1.2.3", "1 "};
    double value;
    (void)state;
    assert_true(words_decimal("0.5", &value));
    assert_float_equal(value, 0.5, 0);
    assert_true(words_decimal("2000", &value));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(words_decimal(bad[i], &value));
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"500ms", 500000000}, {"1.5s", 1500000000}, {"2m", UINT64_C(120000000000)}, {"1h", UINT64_C(3600000000000)},
                {"10us", 10000}, {"0", 0}, {"0s", 0}};
    static const char *const bad[] = {"", "5", "s", "5 s", "5sec", "-5s", "5S", "100000h", "1e3s", "5ms "};
    uint64_t ns;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(words_duration_ns(good[i].text, &ns));
        assert_int_equal(ns, good[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(words_duration_ns(bad[i], &ns));
}

static void nearest(void **state)
{
    static const char *const names[] = {"pool-size", "idle-timeout", "json"};
    (void)state;
    assert_string_equal(words_nearest("pool-sise", names, 3), "pool-size");
    assert_string_equal(words_nearest("poolsize", names, 3), "pool-size");
    assert_string_equal(words_nearest("jsno", names, 3), "json");
    assert_string_equal(words_nearest("idletimeout", names, 3), "idle-timeout");
    assert_null(words_nearest("x", names, 3));
    assert_null(words_nearest("something else", names, 3));
    assert_null(words_nearest("json", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(decimals),
        cmocka_unit_test(durations),
        cmocka_unit_test(nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
