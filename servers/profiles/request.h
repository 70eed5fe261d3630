/* request.h - what behaviours that imitate a real server share: reading a request's head, and the targets that they serve
 * (servers/real/README.md lists them). Pure: text in, answers out; nothing is kept, texts are borrowed. */
#ifndef PROFILES_REQUEST_H
#define PROFILES_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *data;
    size_t bytes;
};

bool text_is(struct text t, const char *word);          /* letters count as they are */
bool text_contains(struct text t, const char *part);    /* likewise */
bool text_contains_nocase(struct text t, const char *part);
bool text_has_token(struct text t, const char *token);  /* in a list with commas; in any case of letters */

/* The first line, as far as it can be understood: an empty text is missing. */
struct request_line {
    struct text method, target, version; /* "HTTP/1.1" */
};
struct request_line head_line(const char *head, size_t bytes);

/* The i-th field of that name, without blanks around its value. Returns whether there is one. */
bool head_field(const char *head, size_t bytes, const char *name, unsigned i, struct text *value);

/* What Content-Length says; 0 where there is none. */
uint64_t head_content_length(const char *head, size_t bytes);

/* The longest line of the head but the first. */
size_t head_longest_field(const char *head, size_t bytes);

/* What a target asks for. */
enum asked {
    ASKED_OK,
    ASKED_STATUS,         /* number: the status */
    ASKED_SEND_ERROR,     /* likewise */
    ASKED_BIG,            /* number: bytes */
    ASKED_SLOW,           /* number: milliseconds */
    ASKED_UNKNOWN_LENGTH,
    ASKED_READ_BODY,
    ASKED_CLOSE,
    ASKED_MORE,
    ASKED_UPGRADE,
    ASKED_SHORT,
};
enum asked target_asked(struct text target, uint64_t *number);

/* The reason that goes with a status; "" for one that is not known. */
const char *status_reason(unsigned status);

/* Whether answers of that status have a body. */
bool status_has_body(unsigned status);

#endif
