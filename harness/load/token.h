/* token.h - what makes one request known from every other: a token in its target, echoed in its response.
 *
 * PURE. The mock server answers "c17 r3 /t/00000000002a" and a line end: the number of the connection, of the request on it,
 * and the target it was asked for. A response that carries somebody else's target has reached the wrong caller. */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOKEN_DIGITS 16       /* hexadecimal */
#define TOKEN_ECHO_BYTES 200  /* a server echoes no more of a target than this */
#define TOKEN_BODY_BYTES 256  /* enough of a body to read its echo */

/* A request, with a place in it for the token. */
struct token_request {
    char *bytes;
    size_t count;
    size_t token_at;          /* 0: it carries none */
    size_t target_at, target_bytes;
};

/* "GET <path>t/<token><query> HTTP/1.1" with a Host field; without a token where `fixed`. `closes` adds Connection: close.
 * The caller frees bytes; false where memory is out. */
bool token_request_build(struct token_request *out, const char *host, const char *target, bool fixed, bool closes);

/* Writes the token's digits, without a NUL. */
void token_write(char *digits, uint64_t token);

enum token_echo {
    TOKEN_NOT_ECHOED, /* the body does not have that form: another kind of server */
    TOKEN_RIGHT,
    TOKEN_WRONG,      /* it has the form, and names another target */
};

/* Compares a body (its first TOKEN_BODY_BYTES are enough) with the request that it answers. *conn: the server's number of
 * the connection, 0 where not echoed. */
enum token_echo token_check(const struct token_request *request, const char *body, size_t bytes, uint64_t *conn);

#endif
