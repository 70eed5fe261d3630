#include "profiles/request.h"

#include <string.h>
#include <strings.h>

/* --- texts --------------------------------------------------------------------------------------------------------- */

bool text_is(struct text t, const char *word)
{
    return t.bytes == strlen(word) && memcmp(t.data, word, t.bytes) == 0;
}

bool text_contains(struct text t, const char *part)
{
    return t.bytes && memmem(t.data, t.bytes, part, strlen(part));
}

bool text_contains_nocase(struct text t, const char *part)
{
    size_t bytes = strlen(part);
    for (size_t at = 0; at + bytes <= t.bytes; at++)
        if (strncasecmp(t.data + at, part, bytes) == 0)
            return true;
    return false;
}

static struct text trimmed(struct text t)
{
    while (t.bytes && (t.data[0] == ' ' || t.data[0] == '\t'))
        t = (struct text){t.data + 1, t.bytes - 1};
    while (t.bytes && strchr(" \t\r", t.data[t.bytes - 1]))
        t.bytes--;
    return t;
}

/* Cuts what stands before `end` off the front of *rest, and `end` with it. */
static struct text cut(struct text *rest, char end)
{
    const char *at = rest->bytes ? memchr(rest->data, end, rest->bytes) : NULL;
    struct text front = {rest->data, at ? (size_t)(at - rest->data) : rest->bytes};
    size_t taken = at ? front.bytes + 1 : front.bytes;
    *rest = (struct text){rest->data + taken, rest->bytes - taken};
    return front;
}

bool text_has_token(struct text t, const char *token)
{
    while (t.bytes) {
        struct text one = trimmed(cut(&t, ','));
        if (one.bytes == strlen(token) && strncasecmp(one.data, token, one.bytes) == 0)
            return true;
    }
    return false;
}

/* --- the head ------------------------------------------------------------------------------------------------------ */

/* Empty lines may stand before a request. */
static struct text lines_of(const char *head, size_t bytes)
{
    struct text rest = {head, bytes};
    while (rest.bytes && (rest.data[0] == '\r' || rest.data[0] == '\n'))
        rest = (struct text){rest.data + 1, rest.bytes - 1};
    return rest;
}

struct request_line head_line(const char *head, size_t bytes)
{
    struct text rest = lines_of(head, bytes);
    struct text line = trimmed(cut(&rest, '\n'));
    struct request_line found;
    found.method = cut(&line, ' ');
    found.target = cut(&line, ' ');
    found.version = line;
    return found;
}

/* The next line of *rest: false behind the last field. */
static bool next_field(struct text *rest, struct text *line)
{
    *line = trimmed(cut(rest, '\n'));
    return line->bytes > 0;
}

bool head_field(const char *head, size_t bytes, const char *name, unsigned i, struct text *value)
{
    struct text rest = lines_of(head, bytes), line;
    cut(&rest, '\n');
    while (next_field(&rest, &line)) {
        struct text found = cut(&line, ':');
        if (found.bytes == strlen(name) && strncasecmp(found.data, name, found.bytes) == 0 && i-- == 0) {
            *value = trimmed(line);
            return true;
        }
    }
    return false;
}

uint64_t head_content_length(const char *head, size_t bytes)
{
    struct text value;
    uint64_t length = 0;
    if (head_field(head, bytes, "Content-Length", 0, &value))
        for (size_t i = 0; i < value.bytes && length < UINT64_MAX / 20; i++)
            length = length * 10 + (uint64_t)(value.data[i] - '0');
    return length;
}

size_t head_longest_field(const char *head, size_t bytes)
{
    struct text rest = lines_of(head, bytes), line;
    size_t longest = 0;
    cut(&rest, '\n');
    while (next_field(&rest, &line))
        if (line.bytes > longest)
            longest = line.bytes;
    return longest;
}

/* --- targets ------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *path;
    enum asked asked;
    bool numbered;
} targets[] = {
    {"/status/", ASKED_STATUS, true},    {"/send-error/", ASKED_SEND_ERROR, true},
    {"/big/", ASKED_BIG, true},          {"/slow/", ASKED_SLOW, true},
    {"/unknown-length", ASKED_UNKNOWN_LENGTH, false}, {"/read-body", ASKED_READ_BODY, false},
    {"/close", ASKED_CLOSE, false},      {"/more", ASKED_MORE, false},
    {"/upgrade", ASKED_UPGRADE, false},  {"/short", ASKED_SHORT, false},
};

/* Without the scheme and the host of a target in absolute form. */
static struct text path_of(struct text target)
{
    const char *host = target.bytes ? memmem(target.data, target.bytes, "://", 3) : NULL;
    if (!host || target.data[0] == '/')
        return target;
    size_t before = (size_t)(host - target.data) + 3;
    struct text rest = {target.data + before, target.bytes - before};
    struct text authority = cut(&rest, '/');
    const char *path = authority.data + authority.bytes;
    return (struct text){path, target.bytes - (size_t)(path - target.data)};
}

static uint64_t number_of(struct text digits)
{
    uint64_t number = 0;
    for (size_t i = 0; i < digits.bytes && i < 9 && digits.data[i] >= '0' && digits.data[i] <= '9'; i++)
        number = number * 10 + (uint64_t)(digits.data[i] - '0');
    return number;
}

enum asked target_asked(struct text target, uint64_t *number)
{
    struct text path = path_of(target);
    *number = 0;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        size_t bytes = strlen(targets[i].path);
        if (path.bytes < bytes || memcmp(path.data, targets[i].path, bytes) != 0)
            continue;
        struct text behind = {path.data + bytes, path.bytes - bytes};
        if (targets[i].numbered)
            *number = number_of(behind);
        else if (behind.bytes && behind.data[0] != '/' && behind.data[0] != '?')
            continue;
        return targets[i].asked;
    }
    return ASKED_OK;
}

/* --- statuses ------------------------------------------------------------------------------------------------------ */

static const struct {
    unsigned status;
    const char *reason;
} reasons[] = {
    {101, "Switching Protocols"}, {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
    {206, "Partial Content"}, {301, "Moved Permanently"}, {302, "Moved Temporarily"}, {303, "See Other"},
    {304, "Not Modified"}, {307, "Temporary Redirect"}, {308, "Permanent Redirect"}, {400, "Bad Request"},
    {401, "Unauthorized"}, {402, "Payment Required"}, {403, "Forbidden"}, {404, "Not Found"}, {405, "Not Allowed"},
    {406, "Not Acceptable"}, {408, "Request Time-out"}, {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"},
    {412, "Precondition Failed"}, {413, "Request Entity Too Large"}, {414, "Request-URI Too Large"},
    {415, "Unsupported Media Type"}, {416, "Requested Range Not Satisfiable"}, {429, "Too Many Requests"},
    {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Temporarily Unavailable"},
    {504, "Gateway Time-out"}, {505, "HTTP Version Not Supported"}, {507, "Insufficient Storage"},
};

const char *status_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

bool status_has_body(unsigned status) { return status >= 200 && status != 204 && status != 304; }
