/* nginx_rules.h - how nginx reads a request: what it refuses, and whether the connection may go on. Pure. */
#ifndef NGINX_RULES_H
#define NGINX_RULES_H

#include "profiles/request.h"

struct nginx_request {
    const char *head; /* borrowed */
    size_t bytes;
    struct request_line line;
    enum asked asked;
    uint64_t number;
    bool is_1_1;
    bool announces_body;
};
struct nginx_request nginx_request(const char *head, size_t bytes);

/* The status of an answer to a head that was understood, and is not served; 0: it may be. max_body_bytes 0: any. */
unsigned nginx_refuses(const struct nginx_request *r, uint64_t max_body_bytes);

/* The status for one that was not understood. */
unsigned nginx_wrong_status(const struct nginx_request *r);

/* Whether a request that gets this status has been read to the end of its head when that shows, as a missing Host has; else the
 * rest of it is still unread when the connection is closed. */
bool nginx_reads_all(const struct nginx_request *r, unsigned status);

/* What the client's version and Connection fields say. Not by tokens, as the standard has it: a part of a word counts, and the
 * last field that says something wins. */
bool nginx_client_keeps(const struct nginx_request *r);

/* Whether keepalive_disable, set to one of these, is about this request. */
enum nginx_disable { DISABLE_MSIE6, DISABLE_SAFARI, DISABLE_BOTH, DISABLE_NONE };
bool nginx_disables(const struct nginx_request *r, enum nginx_disable disabled);

/* Whether an answer of that status, made by nginx itself, is the connection's last. */
bool nginx_status_closes(unsigned status);

#endif
