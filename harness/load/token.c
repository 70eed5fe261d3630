#include "load/token.h"

#include <stdio.h>
#include <string.h>

bool token_request_build(struct token_request *out, const char *host, const char *target, bool fixed, bool closes)
{
    size_t path = strcspn(target, "?");
    const char *slash = target[path - 1] == '/' ? "" : "/";
    const char *close = closes ? "Connection: close\r\n" : "";
    char *bytes;
    int n = fixed ? asprintf(&bytes, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", target, host, close)
                  : asprintf(&bytes, "GET %.*s%st/%0*d%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", (int)path, target, slash,
                             TOKEN_DIGITS, 0, target + path, host, close);
    if (n < 0)
        return false;
    out->bytes = bytes;
    out->count = (size_t)n;
    out->target_at = strlen("GET ");
    out->target_bytes = strcspn(bytes + out->target_at, " ");
    out->token_at = fixed ? 0 : out->target_at + path + strlen(slash) + strlen("t/");
    return true;
}

void token_write(char *digits, uint64_t token)
{
    for (int i = TOKEN_DIGITS - 1; i >= 0; i--, token >>= 4)
        digits[i] = "0123456789abcdef"[token & 15];
}

/* Reads `letter` and a number, moving *at behind them. */
static bool lettered_number(const char **at, const char *end, char letter, uint64_t *out)
{
    const char *p = *at;
    *out = 0;
    if (p == end || *p++ != letter)
        return false;
    const char *first = p;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        *out = *out * 10 + (uint64_t)(*p - '0');
    *at = p;
    return p > first;
}

static bool blank(const char **at, const char *end)
{
    return *at < end && *(*at)++ == ' ';
}

enum token_echo token_check(const struct token_request *request, const char *body, size_t bytes, uint64_t *conn)
{
    const char *at = body, *end = body + bytes;
    uint64_t number, answered;

    *conn = 0;
    if (!lettered_number(&at, end, 'c', &number) || !blank(&at, end) || !lettered_number(&at, end, 'r', &answered) ||
        !blank(&at, end) || at == end || *at != '/')
        return TOKEN_NOT_ECHOED;
    *conn = number;
    size_t echoed = request->target_bytes < TOKEN_ECHO_BYTES ? request->target_bytes : TOKEN_ECHO_BYTES;
    bool right = (size_t)(end - at) > echoed && memcmp(at, request->bytes + request->target_at, echoed) == 0 &&
                 at[echoed] == '\n';
    return right ? TOKEN_RIGHT : TOKEN_WRONG;
}
