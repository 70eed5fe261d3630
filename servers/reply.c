#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One scratch for all: a response is written into it, sent, and only what the kernel did not take is copied. */
static struct {
    char *data;
    size_t room;
} scratch;

static void reserve(size_t room)
{
    if (scratch.room >= room)
        return;
    scratch.data = realloc(scratch.data, room);
    scratch.room = room;
    if (!scratch.data)
        abort();
}

/* By hand: snprintf would be a third of a response's instructions. */
static char *put_number(char *to, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    return mempcpy(to, digits + at, sizeof digits - at);
}

#define PUT(to, literal) mempcpy(to, literal, sizeof literal - 1)

static size_t put_body(char *at, const struct reply_to *to)
{
    char *p = at;
    *p++ = 'c';
    p = put_number(p, to->conn);
    p = PUT(p, " r");
    p = put_number(p, to->req);
    *p++ = ' ';
    p = mempcpy(p, to->target, to->target_bytes);
    *p++ = '\n';
    size_t bytes = (size_t)(p - at);
    if (bytes >= to->body_bytes)
        return bytes;
    memset(p, '.', to->body_bytes - bytes);
    return to->body_bytes;
}

static char *put_head(char *p, const struct reply *how, const struct reply_to *to, size_t body_bytes, bool keep)
{
    p = how->http10 ? PUT(p, "HTTP/1.0 200 OK\r\nContent-Length: ") : PUT(p, "HTTP/1.1 200 OK\r\nContent-Length: ");
    p = put_number(p, body_bytes);
    if (!keep && !how->http10)
        p = PUT(p, "\r\nConnection: close");
    else if (keep && (to->say_keep || how->http10 || how->keep_alive_s))
        p = PUT(p, "\r\nConnection: keep-alive");
    if (how->keep_alive_s) {
        p = PUT(p, "\r\nKeep-Alive: timeout=");
        p = put_number(p, how->keep_alive_s);
    }
    return PUT(p, "\r\n\r\n");
}

void reply_write(struct reply_text *out, const struct reply *how, const struct reply_to *to)
{
    enum { HEAD_ROOM = 256, BODY_ROOM = 64 };
    size_t body_room = BODY_ROOM + to->target_bytes + to->body_bytes;
    reserve(HEAD_ROOM + body_room + sizeof(struct reply_stray));

    /* The body first, behind room for any head: its length stands in the head. Then the head right before it. */
    char head[HEAD_ROOM];
    size_t body = put_body(scratch.data + HEAD_ROOM, to);
    out->keep = to->keep && !how->close;
    size_t head_bytes = (size_t)(put_head(head, how, to, body, out->keep) - head);
    char *start = scratch.data + HEAD_ROOM - head_bytes;
    memcpy(start, head, head_bytes);
    if (to->head_only)
        body = 0;

    out->data = start;
    out->bytes = how->cut == REPLY_CUT_HEAD   ? head_bytes / 2
                 : how->cut == REPLY_CUT_BODY ? head_bytes + body / 2
                                              : head_bytes + body;
    out->glued_bytes = 0;
    if (how->glued) {
        struct reply_stray stray;
        reply_stray(&stray, how->glued, to->conn);
        memcpy(start + out->bytes, stray.data, stray.bytes);
        out->glued_bytes = stray.bytes;
        out->glued_name = stray.name;
    }
}

static size_t put_answer_body(char *at, const struct answer *a, const struct reply_to *to)
{
    if (a->framing == FRAMING_NONE || a->framing == FRAMING_EMPTY)
        return 0;
    if (a->body_bytes == 0)
        return put_body(at, to);
    memset(at, '.', a->body_bytes);
    return a->body_bytes;
}

static size_t answer_head(char *to, size_t room, const struct answer *a, size_t body_bytes)
{
    char framing[64] = "";
    if (a->framing == FRAMING_LENGTH || a->framing == FRAMING_EMPTY)
        snprintf(framing, sizeof framing, "Content-Length: %llu\r\n", (unsigned long long)(body_bytes + a->missing_bytes));
    else if (a->framing == FRAMING_CHUNKED)
        snprintf(framing, sizeof framing, "Transfer-Encoding: chunked\r\n");
    int bytes = snprintf(to, room, "HTTP/1.1 %u %s\r\n%s%s\r\n", a->status, a->reason, a->fields, framing);
    if (bytes < 0 || (size_t)bytes >= room)
        abort(); /* a behaviour's header lines are its own, and short */
    return (size_t)bytes;
}

/* Head, size of the one chunk, body, end of the chunks: all right behind one another in the scratch. */
void reply_answer(struct reply_text *out, const struct answer *a, const struct reply_to *to)
{
    static const char last[] = "\r\n0\r\n\r\n";
    enum { FRONT_ROOM = 1024 };
    char front[FRONT_ROOM];
    bool chunked = a->framing == FRAMING_CHUNKED;
    reserve(FRONT_ROOM + 64 + to->target_bytes + a->body_bytes + sizeof last);

    char *start = scratch.data + FRONT_ROOM;
    size_t body = put_answer_body(start, a, to);
    size_t front_bytes = answer_head(front, sizeof front, a, body);
    if (a->empty)
        body = 0;
    else if (chunked)
        front_bytes += (size_t)snprintf(front + front_bytes, sizeof front - front_bytes, "%zx\r\n", body);
    out->data = memcpy(start - front_bytes, front, front_bytes);
    out->bytes = front_bytes + body;
    if (chunked && !a->empty) {
        memcpy(start + body, last, sizeof last - 1);
        out->bytes += sizeof last - 1;
    }
    out->glued_bytes = 0;
    out->keep = a->keep;
}

void reply_stray(struct reply_stray *out, enum stray what, uint32_t conn)
{
    char body[32];
    int bytes = 0;
    switch (what) {
    case STRAY_NONE:
        break;
    case STRAY_BYTE:
        out->name = "byte";
        bytes = snprintf(out->data, sizeof out->data, "X");
        break;
    case STRAY_CRLF:
        out->name = "crlf";
        bytes = snprintf(out->data, sizeof out->data, "\r\n");
        break;
    case STRAY_408:
        out->name = "408";
        bytes = snprintf(out->data, sizeof out->data,
                         "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        break;
    case STRAY_200:
        out->name = "200";
        bytes = snprintf(body, sizeof body, "c%u r0 /forged\n", conn);
        bytes = snprintf(out->data, sizeof out->data, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", bytes, body);
        break;
    }
    out->bytes = (size_t)bytes;
}
