/* jsonl.h - JSON objects, one a line, over two descriptors and a libev loop: how the servers and the subjects are steered.
 *
 * Reading never blocks the loop. Writing is buffered and flushed when the loop is about to wait, or by jsonl_flush;
 * a reader that does not read makes us block in write, which is wanted: nothing of a trace is ever dropped. Where memory is out,
 * the program ends with a sentence and status 1, and so it does where jansson runs out of it: no value that was made or read after
 * jsonl_new lacks a part. Likewise where the loop cannot watch the input. */
#ifndef JSONL_H
#define JSONL_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define JSONL_LINE_BYTES_MAX (16u << 20)

struct jsonl;

struct jsonl_handler {
    /* One line, parsed. `line` is borrowed for the call. */
    void (*line)(void *user, json_t *line);
    /* A line that is not one JSON object (or is longer than JSONL_LINE_BYTES_MAX); `why` is a sentence. */
    void (*bad)(void *user, const char *why);
    /* End of input, or an error on it; no further call follows. */
    void (*end)(void *user);
};

/* The descriptors stay the caller's. NULL where memory is out. The handler may call jsonl_write, but not jsonl_free. */
struct jsonl *jsonl_new(struct ev_loop *loop, int in, int out, const struct jsonl_handler *handler, void *user);
void jsonl_free(struct jsonl *j);

/* Starts or stops reading; what is already buffered is handed over when reading starts again. Starts on. */
void jsonl_read(struct jsonl *j, bool on);

/* Appends one object as one line; takes over `object` (steals the reference). */
void jsonl_write(struct jsonl *j, json_t *object);

/* Appends one finished line without its LF: for hot paths that format by hand. */
void jsonl_write_text(struct jsonl *j, const char *line, size_t bytes);

/* Writes out what is buffered. Returns 0, or -1 with errno when the reader has gone. */
int jsonl_flush(struct jsonl *j);

/* A byte string for a JSON value: a string where it is UTF-8, else {"base64": "..."}. */
json_t *jsonl_bytes(const char *data, size_t bytes);

/* Words for a person. Where they are not UTF-8, perhaps because a text was cut inside a letter, each byte that is not ASCII
 * becomes a question mark. */
json_t *jsonl_words(const char *text);

/* The reverse of jsonl_bytes. Returns a malloc'd buffer (NUL-terminated behind *bytes), or NULL where `value` is neither. */
char *jsonl_get_bytes(const json_t *value, size_t *bytes);

#endif
