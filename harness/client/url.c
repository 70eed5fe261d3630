#include "client/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *parse_unix(struct url *out, const char *path)
{
    const char *colon = strchr(path + strlen("unix:"), ':');
    size_t bytes = colon ? (size_t)(colon - path) : strlen(path);
    if (bytes >= sizeof out->key)
        return "the path of the unix socket is too long";
    memcpy(out->key, path, bytes);
    out->key[bytes] = '\0';
    out->target = colon && colon[1] ? colon + 1 : "/";
    if (out->target[0] != '/')
        return "what follows the second colon is the request's target and starts with /";
    return net_parse(&out->addr, out->key) ? "this is no usable path of a unix socket" : NULL;
}

static bool has_blank_or_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return true;
    return false;
}

const char *url_parse(struct url *out, const char *text)
{
    if (has_blank_or_control(text))
        return "a URL has no blank and no control character in it";
    if (strchr(text, '#'))
        return "a fragment (#) is never sent to a server";
    if (strncmp(text, "http://", 7) != 0)
        return "a URL starts with http://";
    const char *host = text + 7;
    if (strncmp(host, "unix:", 5) == 0)
        return parse_unix(out, host);

    size_t bytes = strcspn(host, "/?#");
    if (bytes == 0)
        return "the host is missing";
    if (bytes + sizeof ":80" > sizeof out->key)
        return "the host is too long";
    if (host[bytes] == '?' || host[bytes] == '#')
        return "a path that starts with / comes before ? and #";
    const char *bracket = memchr(host, ']', bytes);
    const char *port = memchr(bracket ? bracket : host, ':', bytes - (size_t)(bracket ? bracket - host : 0));
    snprintf(out->key, sizeof out->key, "%.*s%s", (int)bytes, host, port ? "" : ":80");
    out->target = host[bytes] ? host + bytes : "/";
    if (net_parse(&out->addr, out->key) == 0)
        return NULL;
    return "host and port are written as 127.0.0.1:8080 or [::1]:8080, the host as a numeric address";
}
