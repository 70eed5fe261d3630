/* trace.h - writes one event of the trace as a JSON line, by hand: a server under load writes many. */
#ifndef TRACE_H
#define TRACE_H

#include "base/jsonl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts are cut to this many bytes; it leaves room for every event that record.c writes. */
#define TRACE_TEXT_BYTES_MAX 200

struct trace_line {
    size_t bytes;
    char text[4096];
};

/* Starts the line: {"t":t,"who":"server","ev":ev */
void trace_begin(struct trace_line *l, uint64_t t, const char *ev);

/* Each appends one member. Bytes of a text that are not printable ASCII are written as \u00XX, one for each byte. */
void trace_number(struct trace_line *l, const char *key, uint64_t value);
void trace_bool(struct trace_line *l, const char *key, bool value);
void trace_null(struct trace_line *l, const char *key);
void trace_bytes(struct trace_line *l, const char *key, const char *text, size_t bytes);
void trace_text(struct trace_line *l, const char *key, const char *text);

/* Closes the object and writes it. */
void trace_end(struct trace_line *l, struct jsonl *out);

#endif
