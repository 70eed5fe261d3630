#include "base/jsonl.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_AT_BYTES 65536u

struct buffer {
    char *data;
    size_t bytes, room;
};

struct jsonl {
    struct ev_loop *loop;
    int out;
    const struct jsonl_handler *handler;
    void *user;
    ev_io readable;
    ev_prepare before_wait;
    struct buffer in, to_write;
    size_t searched; /* so many bytes of `in` are known to hold no end of a line: a long one comes in many pieces */
    bool reading, ended, skipping;
    int write_errno;
};

/* A trace or a conversation with a hole in it would be worse than none. */
static _Noreturn void out_of_memory(void)
{
    fprintf(stderr, "%s: memory is out\n", program_invocation_short_name);
    _exit(1);
}

static void *allocate(size_t bytes)
{
    void *memory = malloc(bytes);
    if (!memory)
        out_of_memory();
    return memory;
}

static void reserve(struct buffer *b, size_t more)
{
    if (b->room - b->bytes >= more)
        return;
    while (b->room - b->bytes < more)
        b->room = b->room ? b->room * 2 : 8192;
    b->data = realloc(b->data, b->room);
    if (!b->data)
        out_of_memory();
}

static void append(struct buffer *b, const char *data, size_t bytes)
{
    reserve(b, bytes);
    memcpy(b->data + b->bytes, data, bytes);
    b->bytes += bytes;
}

static void hand_over(struct jsonl *j, const char *line, size_t bytes)
{
    json_error_t error;
    if (bytes == 0 || (bytes == 1 && line[0] == '\r'))
        return;
    json_t *object = json_loadb(line, bytes, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(object))
        j->handler->line(j->user, object);
    else
        j->handler->bad(j->user, object ? "a line is one JSON object, this is another kind of value" : error.text);
    json_decref(object);
}

static void hand_over_lines(struct jsonl *j)
{
    size_t at = 0;
    while (j->reading) {
        char *line = j->in.data + at, *from = line + j->searched;
        char *end = j->in.bytes > at + j->searched ? memchr(from, '\n', j->in.bytes - at - j->searched) : NULL;
        if (!end) {
            j->searched = j->in.bytes - at;
            break;
        }
        j->searched = 0;
        at += (size_t)(end - line) + 1;
        if (!j->skipping)
            hand_over(j, line, (size_t)(end - line));
        j->skipping = false;
    }
    if (at) {
        memmove(j->in.data, j->in.data + at, j->in.bytes - at);
        j->in.bytes -= at;
    }
    if (j->reading && j->in.bytes > JSONL_LINE_BYTES_MAX) {
        if (!j->skipping)
            j->handler->bad(j->user, "a line is longer than 16 MiB");
        j->skipping = true;
        j->in.bytes = j->searched = 0;
    }
    if (j->reading && j->ended) {
        j->reading = false;
        if (j->in.bytes && !j->skipping)
            hand_over(j, j->in.data, j->in.bytes); /* the last line need not end in LF */
        j->handler->end(j->user);
    }
}

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    struct jsonl *j = io->data;
    if (revents & EV_ERROR) { /* libev has stopped the watcher: no line would ever be read again */
        fprintf(stderr, "%s: its input cannot be watched any more: %s\n", program_invocation_short_name, strerror(errno));
        exit(1);
    }
    if (revents & EV_READ) {
        reserve(&j->in, FLUSH_AT_BYTES);
        ssize_t n = read(io->fd, j->in.data + j->in.bytes, j->in.room - j->in.bytes);
        if (n > 0) {
            j->in.bytes += (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            j->ended = true;
            ev_io_stop(loop, io);
        }
    }
    hand_over_lines(j);
}

static void on_before_wait(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    (void)loop;
    (void)revents;
    jsonl_flush(prepare->data);
}

struct jsonl *jsonl_new(struct ev_loop *loop, int in, int out, const struct jsonl_handler *handler, void *user)
{
    struct jsonl *j = calloc(1, sizeof *j);
    if (!j)
        return NULL;
    /* Where memory is out jansson itself may leave a byte out of a string and not say so. */
    json_set_alloc_funcs(allocate, free);
    j->loop = loop;
    j->out = out;
    j->handler = handler;
    j->user = user;
    j->reading = true;
    ev_io_init(&j->readable, on_readable, in, EV_READ);
    ev_prepare_init(&j->before_wait, on_before_wait);
    j->readable.data = j->before_wait.data = j;
    ev_io_start(loop, &j->readable);
    ev_prepare_start(loop, &j->before_wait);
    ev_unref(loop); /* the flusher alone keeps no loop alive */
    return j;
}

void jsonl_free(struct jsonl *j)
{
    if (!j)
        return;
    jsonl_flush(j);
    ev_io_stop(j->loop, &j->readable);
    ev_ref(j->loop);
    ev_prepare_stop(j->loop, &j->before_wait);
    free(j->in.data);
    free(j->to_write.data);
    free(j);
}

void jsonl_read(struct jsonl *j, bool on)
{
    if (on == j->reading)
        return;
    j->reading = on;
    if (on) {
        if (!j->ended)
            ev_io_start(j->loop, &j->readable);
        ev_feed_event(j->loop, &j->readable, EV_CUSTOM); /* not from inside this call: the caller may be a handler */
    } else {
        ev_io_stop(j->loop, &j->readable);
    }
}

void jsonl_write(struct jsonl *j, json_t *object)
{
    size_t bytes = object ? json_dumpb(object, NULL, 0, JSON_COMPACT) : 0;
    reserve(&j->to_write, bytes + 1);
    if (bytes == 0 || json_dumpb(object, j->to_write.data + j->to_write.bytes, bytes, JSON_COMPACT) != bytes)
        out_of_memory();
    j->to_write.bytes += bytes;
    append(&j->to_write, "\n", 1);
    json_decref(object);
    if (j->to_write.bytes >= FLUSH_AT_BYTES)
        jsonl_flush(j);
}

void jsonl_write_text(struct jsonl *j, const char *line, size_t bytes)
{
    append(&j->to_write, line, bytes);
    append(&j->to_write, "\n", 1);
    if (j->to_write.bytes >= FLUSH_AT_BYTES)
        jsonl_flush(j);
}

int jsonl_flush(struct jsonl *j)
{
    size_t at = 0;
    while (at < j->to_write.bytes && !j->write_errno) {
        ssize_t n = write(j->out, j->to_write.data + at, j->to_write.bytes - at);
        if (n > 0) {
            at += (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd writable = {.fd = j->out, .events = POLLOUT};
            poll(&writable, 1, -1);
        } else if (n < 0 && errno != EINTR) {
            j->write_errno = errno;
        }
    }
    j->to_write.bytes = 0;
    errno = j->write_errno;
    return j->write_errno ? -1 : 0;
}

/* --- byte strings ------------------------------------------------------------------------------------------------ */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static json_t *base64(const unsigned char *data, size_t bytes)
{
    char *text = allocate(bytes / 3 * 4 + 5), *to = text;
    for (size_t i = 0; i < bytes; i += 3) {
        unsigned left = bytes - i > 2 ? 3 : (unsigned)(bytes - i);
        uint32_t v = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) | (left > 2 ? data[i + 2] : 0);
        *to++ = alphabet[v >> 18];
        *to++ = alphabet[v >> 12 & 63];
        *to++ = left > 1 ? alphabet[v >> 6 & 63] : '=';
        *to++ = left > 2 ? alphabet[v & 63] : '=';
    }
    json_t *object = json_pack("{s:s#}", "base64", text, (int)(to - text));
    free(text);
    return object;
}

json_t *jsonl_bytes(const char *data, size_t bytes)
{
    json_t *text = json_stringn(data, bytes);
    return text ? text : base64((const unsigned char *)data, bytes);
}

json_t *jsonl_words(const char *text)
{
    json_t *words = json_string(text);
    if (words)
        return words;
    size_t bytes = strlen(text);
    char *ascii = allocate(bytes + 1);
    for (size_t i = 0; i <= bytes; i++)
        ascii[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
    words = json_stringn(ascii, bytes);
    free(ascii);
    return words;
}

static char *unbase64(const char *text, size_t length, size_t *bytes)
{
    char *out = allocate(length / 4 * 3 + 4);
    uint32_t v = 0;
    unsigned bits = 0;
    *bytes = 0;
    for (size_t i = 0; i < length && text[i] != '='; i++) {
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!at) {
            free(out);
            return NULL;
        }
        v = v << 6 | (uint32_t)(at - alphabet);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[(*bytes)++] = (char)(v >> bits & 255);
        }
    }
    out[*bytes] = '\0';
    return out;
}

char *jsonl_get_bytes(const json_t *value, size_t *bytes)
{
    const json_t *encoded = json_object_get(value, "base64");
    if (json_is_string(encoded))
        return unbase64(json_string_value(encoded), json_string_length(encoded), bytes);
    if (!json_is_string(value))
        return NULL;
    char *out = allocate(json_string_length(value) + 1);
    *bytes = json_string_length(value);
    memcpy(out, json_string_value(value), *bytes + 1);
    return out;
}
