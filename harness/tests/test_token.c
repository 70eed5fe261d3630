/* The token in a request, and the echo of it in a response. */
#include "load/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct token_request build(const char *target, bool fixed, bool closes)
{
    struct token_request request;
    assert_true(token_request_build(&request, "h:1", target, fixed, closes));
    return request;
}

static void assert_request(const char *target, bool fixed, bool closes, const char *wanted)
{
    struct token_request request = build(target, fixed, closes);
    if (request.token_at)
        token_write(request.bytes + request.token_at, 0x2a);
    assert_string_equal(request.bytes, wanted);
    assert_int_equal(request.count, strlen(wanted));
    free(request.bytes);
}

static void the_token_stands_behind_the_path(void **state)
{
    (void)state;
    assert_request("/", false, false, "GET /t/000000000000002a HTTP/1.1\r\nHost: h:1\r\n\r\n");
    assert_request("/a/b", false, false, "GET /a/b/t/000000000000002a HTTP/1.1\r\nHost: h:1\r\n\r\n");
    assert_request("/a?q=/x", false, false, "GET /a/t/000000000000002a?q=/x HTTP/1.1\r\nHost: h:1\r\n\r\n");
    assert_request("/a?q", true, false, "GET /a?q HTTP/1.1\r\nHost: h:1\r\n\r\n");
    assert_request("/", false, true, "GET /t/000000000000002a HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n\r\n");
}

static void assert_echo(const char *body, enum token_echo wanted, uint64_t wanted_conn)
{
    struct token_request request = build("/", false, false);
    uint64_t conn;
    token_write(request.bytes + request.token_at, UINT64_C(0x00010000deadbeef));
    assert_int_equal(token_check(&request, body, strlen(body), &conn), wanted);
    assert_int_equal(conn, wanted_conn);
    free(request.bytes);
}

static void only_the_own_target_is_right(void **state)
{
    (void)state;
    assert_echo("c17 r3 /t/00010000deadbeef\n", TOKEN_RIGHT, 17);
    assert_echo("c17 r3 /t/00010000deadbeef\n.......", TOKEN_RIGHT, 17);
    assert_echo("c17 r3 /t/00010000deadbeee\n", TOKEN_WRONG, 17);
    assert_echo("c17 r3 /t/00010000deadbeef0\n", TOKEN_WRONG, 17);
    assert_echo("c17 r3 /t/00010000deadbeef", TOKEN_WRONG, 17);
    assert_echo("c2 r0 /forged\n", TOKEN_WRONG, 2);
}

static void another_form_is_no_echo(void **state)
{
    static const char *const bodies[] = {"", "c", "c17", "c17 ", "c17 r", "c17 r3", "c17 r3 ", "c r3 /x\n", "<html>",
                                         "x17 r3 /t/0\n"};
    (void)state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_echo(bodies[i], TOKEN_NOT_ECHOED, 0);
}

static void a_long_target_is_compared_as_far_as_it_is_echoed(void **state)
{
    char target[400], body[TOKEN_BODY_BYTES];
    uint64_t conn;
    (void)state;
    memset(target, 'x', sizeof target - 1);
    target[0] = '/';
    target[sizeof target - 1] = '\0';
    struct token_request request = build(target, true, false);
    int bytes = snprintf(body, sizeof body, "c1 r1 %.*s\n", TOKEN_ECHO_BYTES, target);
    assert_int_equal(token_check(&request, body, (size_t)bytes, &conn), TOKEN_RIGHT);
    body[TOKEN_ECHO_BYTES] = 'y';
    assert_int_equal(token_check(&request, body, (size_t)bytes, &conn), TOKEN_WRONG);
    free(request.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_stands_behind_the_path),
        cmocka_unit_test(only_the_own_target_is_right),
        cmocka_unit_test(another_form_is_no_echo),
        cmocka_unit_test(a_long_target_is_compared_as_far_as_it_is_echoed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
