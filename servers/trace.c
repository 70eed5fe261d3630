#include "trace.h"

#include <assert.h>
#include <string.h>

static void put(struct trace_line *l, const char *text, size_t bytes)
{
    assert(l->bytes + bytes <= sizeof l->text);
    memcpy(l->text + l->bytes, text, bytes);
    l->bytes += bytes;
}

static void put_text(struct trace_line *l, const char *text) { put(l, text, strlen(text)); }

static void put_number(struct trace_line *l, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    put(l, digits + at, sizeof digits - at);
}

static void put_key(struct trace_line *l, const char *key)
{
    put(l, ",\"", 2);
    put_text(l, key);
    put(l, "\":", 2);
}

static void put_escaped(struct trace_line *l, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    put(l, text, sizeof text);
}

void trace_begin(struct trace_line *l, uint64_t t, const char *ev)
{
    l->bytes = 0;
    put_text(l, "{\"t\":");
    put_number(l, t);
    put_text(l, ",\"who\":\"server\",\"ev\":\"");
    put_text(l, ev);
    put(l, "\"", 1);
}

void trace_number(struct trace_line *l, const char *key, uint64_t value)
{
    put_key(l, key);
    put_number(l, value);
}

void trace_bool(struct trace_line *l, const char *key, bool value)
{
    put_key(l, key);
    put_text(l, value ? "true" : "false");
}

void trace_null(struct trace_line *l, const char *key)
{
    put_key(l, key);
    put_text(l, "null");
}

void trace_bytes(struct trace_line *l, const char *key, const char *text, size_t bytes)
{
    if (bytes > TRACE_TEXT_BYTES_MAX)
        bytes = TRACE_TEXT_BYTES_MAX;
    put_key(l, key);
    put(l, "\"", 1);
    for (size_t i = 0; i < bytes; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\')
            put_escaped(l, byte);
        else
            put(l, text + i, 1);
    }
    put(l, "\"", 1);
}

void trace_text(struct trace_line *l, const char *key, const char *text) { trace_bytes(l, key, text, strlen(text)); }

void trace_end(struct trace_line *l, struct jsonl *out)
{
    put(l, "}", 1);
    jsonl_write_text(out, l->text, l->bytes);
}
