#include "base/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static int parse_unix(struct net_addr *out, const char *path)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->sa;
    size_t bytes = strlen(path);
    if (bytes == 0) {
        errno = EINVAL;
        return -1;
    }
    if (bytes >= sizeof un->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(out, 0, sizeof *out);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path, bytes + 1);
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + 1);
    return 0;
}

int net_parse_host_port(struct net_addr *out, const char *host, unsigned port)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)&out->sa;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->sa;

    memset(out, 0, sizeof *out);
    if (port > 65535) {
        errno = EINVAL;
        return -1;
    }
    if (inet_pton(AF_INET, host, &in4->sin_addr) == 1) {
        in4->sin_family = AF_INET;
        in4->sin_port = htons((uint16_t)port);
        out->len = sizeof *in4;
        return 0;
    }
    if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        out->len = sizeof *in6;
        return 0;
    }
    errno = EINVAL;
    return -1;
}

int net_parse(struct net_addr *out, const char *text)
{
    char host[INET6_ADDRSTRLEN + 2];
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(out, text + 5);

    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long port = colon ? strtoul(colon + 1, &end, 10) : 0;
    if (!colon || colon[1] < '0' || colon[1] > '9' || *end || port > 65535 ||
        (size_t)(colon - text) >= sizeof host) {
        errno = EINVAL;
        return -1;
    }
    size_t bytes = (size_t)(colon - text);
    if (bytes >= 2 && text[0] == '[' && colon[-1] == ']') {
        text++;
        bytes -= 2;
    }
    memcpy(host, text, bytes);
    host[bytes] = '\0';
    return net_parse_host_port(out, host, (unsigned)port);
}

void net_format(const struct net_addr *addr, char *buf)
{
    char host[INET6_ADDRSTRLEN];
    switch (addr->sa.ss_family) {
    case AF_INET:
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&addr->sa)->sin_addr, host, sizeof host);
        snprintf(buf, NET_TEXT_BYTES, "%s:%u", host, net_port(addr));
        break;
    case AF_INET6:
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&addr->sa)->sin6_addr, host, sizeof host);
        snprintf(buf, NET_TEXT_BYTES, "[%s]:%u", host, net_port(addr));
        break;
    default:
        snprintf(buf, NET_TEXT_BYTES, "unix:%s", ((const struct sockaddr_un *)&addr->sa)->sun_path);
    }
}

unsigned net_port(const struct net_addr *addr)
{
    switch (addr->sa.ss_family) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)&addr->sa)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)&addr->sa)->sin6_port);
    default:
        return 0;
    }
}

void net_set_port(struct net_addr *addr, unsigned port)
{
    if (addr->sa.ss_family == AF_INET)
        ((struct sockaddr_in *)&addr->sa)->sin_port = htons((uint16_t)port);
    else if (addr->sa.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&addr->sa)->sin6_port = htons((uint16_t)port);
}

static void set_nodelay(int fd, int family)
{
    int one = 1;
    if (family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int close_keeping_errno(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int net_listen(const struct net_addr *addr, int backlog)
{
    int one = 1;
    int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (addr->sa.ss_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&addr->sa, addr->len) < 0 || listen(fd, backlog) < 0)
        return close_keeping_errno(fd);
    return fd;
}

void net_set_send_buffer(int fd, size_t bytes)
{
    int wanted = bytes > INT_MAX ? INT_MAX : (int)bytes;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof wanted);
}

int net_accept(int listener, struct net_addr *peer)
{
    peer->len = sizeof peer->sa;
    int fd = accept4(listener, (struct sockaddr *)&peer->sa, &peer->len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        set_nodelay(fd, peer->sa.ss_family);
    return fd;
}

int net_waiting(int listener)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return -1;
    return (int)info.tcpi_unacked; /* Linux: of a listener, the length of its queue */
}

int net_connect(const struct net_addr *addr, bool *in_progress)
{
    int one = 1;
    int fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    set_nodelay(fd, addr->sa.ss_family);
    if (addr->sa.ss_family != AF_UNIX)
        setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof one);
    *in_progress = false;
    if (connect(fd, (const struct sockaddr *)&addr->sa, addr->len) == 0)
        return fd;
    if (errno == EINPROGRESS) {
        *in_progress = true;
        return fd;
    }
    return close_keeping_errno(fd);
}

int net_set_keepalive(int fd, const struct net_keepalive *keepalive)
{
    const struct {
        int level, name, value;
    } settings[] = {
        {IPPROTO_TCP, TCP_KEEPIDLE, (int)keepalive->idle_s},
        {IPPROTO_TCP, TCP_KEEPINTVL, (int)keepalive->interval_s},
        {IPPROTO_TCP, TCP_KEEPCNT, (int)keepalive->probes},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, (int)keepalive->user_timeout_ms},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
    };
    int family;
    socklen_t len = sizeof family;
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0)
        return -1;
    for (size_t i = 0; family != AF_UNIX && i < sizeof settings / sizeof *settings; i++)
        if (setsockopt(fd, settings[i].level, settings[i].name, &settings[i].value, sizeof settings[i].value) < 0)
            return -1;
    return 0;
}

int net_connect_result(int fd)
{
    int err = 0;
    socklen_t len = sizeof err;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno : err;
}

int net_local(int fd, struct net_addr *out)
{
    memset(out, 0, sizeof *out);
    out->len = sizeof out->sa;
    return getsockname(fd, (struct sockaddr *)&out->sa, &out->len);
}

enum net_seen net_look(int fd, int *err)
{
    char byte;
    ssize_t n;
    do
        n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return NET_DATA;
    if (n == 0)
        return NET_EOF;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return NET_QUIET;
    *err = errno;
    return NET_ERROR;
}

void net_end_fin(int fd)
{
    close(fd);
}

void net_end_rst(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}
