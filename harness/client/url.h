/* url.h - the http URLs that the load generator and the reference subject are given. */
#ifndef URL_H
#define URL_H

#include "base/net.h"

struct url {
    struct net_addr addr;
    char key[NET_TEXT_BYTES]; /* the pool's name: "host:port" as it was written, or "unix:/path" */
    const char *target;       /* points into the text that was parsed, or to "/" */
};

/* "http://127.0.0.1:8080/path", "http://[::1]:8080/", "http://unix:/path/sock:/target"; port 80 where none is given, hosts are
 * numeric addresses. Returns NULL, or a sentence (static) that says what is wrong. */
const char *url_parse(struct url *out, const char *text);

#endif
