#include "profiles/nginx_rules.h"

static bool field(const struct nginx_request *r, const char *name, struct text *value)
{
    return head_field(r->head, r->bytes, name, 0, value);
}

struct nginx_request nginx_request(const char *head, size_t bytes)
{
    struct nginx_request r = {.head = head, .bytes = bytes, .line = head_line(head, bytes)};
    struct text value;
    r.asked = target_asked(r.line.target, &r.number);
    r.is_1_1 = !text_is(r.line.version, "HTTP/1.0");
    r.announces_body = head_content_length(head, bytes) > 0 || field(&r, "Transfer-Encoding", &value);
    return r;
}

bool nginx_client_keeps(const struct nginx_request *r)
{
    bool keeps = r->is_1_1;
    struct text value;
    for (unsigned i = 0; head_field(r->head, r->bytes, "Connection", i, &value); i++) {
        if (text_contains_nocase(value, "close"))
            keeps = false;
        else if (text_contains_nocase(value, "keep-alive"))
            keeps = true;
    }
    return keeps;
}

static bool is_msie6(struct text agent)
{
    static const char *const old[] = {"MSIE 4.", "MSIE 5."};
    if (text_contains(agent, "Opera"))
        return false;
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        if (text_contains(agent, old[i]))
            return true;
    return text_contains(agent, "MSIE 6.") && !text_contains(agent, "SV1");
}

static bool is_safari(struct text agent)
{
    static const char *const others[] = {"MSIE ", "Opera", "Gecko/", "Chrome/"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (text_contains(agent, others[i]))
            return false;
    return text_contains(agent, "Safari/") && text_contains(agent, "Mac OS X");
}

bool nginx_disables(const struct nginx_request *r, enum nginx_disable disabled)
{
    struct text agent;
    if (disabled == DISABLE_NONE || !field(r, "User-Agent", &agent))
        return false;
    return (disabled != DISABLE_SAFARI && is_msie6(agent) && text_is(r->line.method, "POST")) ||
           (disabled != DISABLE_MSIE6 && is_safari(agent));
}

bool nginx_status_closes(unsigned status)
{
    return status == 400 || status == 413 || status == 414 || status == 500 || status == 501;
}

unsigned nginx_refuses(const struct nginx_request *r, uint64_t max_body_bytes)
{
    enum { LINE_BYTES_MAX = 8192 };
    struct text value;
    if (r->line.target.bytes + r->line.method.bytes + r->line.version.bytes + 4 > LINE_BYTES_MAX)
        return 414;
    if (head_longest_field(r->head, r->bytes) + 2 > LINE_BYTES_MAX)
        return 400;
    if ((r->is_1_1 && !field(r, "Host", &value)) || head_field(r->head, r->bytes, "Host", 1, &value))
        return 400;
    if (text_is(r->line.version, "HTTP/2.0"))
        return 505;
    if (text_is(r->line.method, "CONNECT"))
        return 400;
    if (text_is(r->line.method, "TRACE"))
        return 405;
    if (max_body_bytes && head_content_length(r->head, r->bytes) > max_body_bytes)
        return 413;
    return 0;
}

unsigned nginx_wrong_status(const struct nginx_request *r)
{
    struct text value;
    if (text_contains(r->line.version, "HTTP/") && !text_contains(r->line.version, "HTTP/1."))
        return 505;
    if (field(r, "Transfer-Encoding", &value) && !text_contains_nocase(value, "chunked"))
        return 501;
    return 400;
}

bool nginx_reads_all(const struct nginx_request *r, unsigned status)
{
    struct text value;
    if (status != 400)
        return status == 405 || status == 413 || status == 501;
    if (!text_contains(r->line.version, "HTTP/") || text_is(r->line.method, "CONNECT") ||
        head_field(r->head, r->bytes, "Host", 1, &value) || head_field(r->head, r->bytes, "Content-Length", 1, &value))
        return false;
    return !field(r, "Host", &value) || field(r, "Content-Length", &value); /* without a length it is a chunk that is wrong */
}
