/* buffer.h - bytes that have to wait: answers that the kernel would not take yet, requests that come while one is being
 * answered. Empty ones own no memory. */
#ifndef BUFFER_H
#define BUFFER_H

#include <stdlib.h>
#include <string.h>

struct buffer {
    char *data;
    size_t at, end; /* what waits is data[at] to data[end - 1] */
    size_t room;
};

static inline size_t buffer_bytes(const struct buffer *b) { return b->end - b->at; }

static inline void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}

/* Takes `bytes` away from the front. */
static inline void buffer_drop(struct buffer *b, size_t bytes)
{
    b->at += bytes;
    if (b->at == b->end)
        buffer_free(b);
}

/* Copies bytes to the end. Aborts where memory is out: a server that silently lost them would convict a client. */
static inline void buffer_add(struct buffer *b, const char *data, size_t bytes)
{
    if (bytes == 0)
        return;
    if (b->room - b->end < bytes) {
        b->room = (b->end + bytes) * 2;
        b->data = realloc(b->data, b->room);
        if (!b->data)
            abort();
    }
    memcpy(b->data + b->end, data, bytes);
    b->end += bytes;
}

#endif
