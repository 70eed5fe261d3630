/* net.h - addresses, listening, connecting, looking at a socket, and how a connection ends.
 *
 * Every descriptor made here is non-blocking and close-on-exec; TCP ones have TCP_NODELAY. Functions that can fail
 * return -1 and leave the reason in errno, unless they say otherwise. */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct net_addr {
    struct sockaddr_storage sa;
    socklen_t len;
};

/* Longest text that net_format writes, its NUL included. */
#define NET_TEXT_BYTES 128

/* Reads "127.0.0.1:80", "[::1]:80" or "unix:/path". Numeric hosts only: nothing here ever blocks on a name.
 * Returns 0, or -1 with errno EINVAL (not an address) or ENAMETOOLONG (unix path too long for the kernel). */
int net_parse(struct net_addr *out, const char *text);

/* The same from a numeric host ("127.0.0.1", "::1") and a port. */
int net_parse_host_port(struct net_addr *out, const char *host, unsigned port);

/* Writes the address in the form that net_parse reads; buf holds NET_TEXT_BYTES. */
void net_format(const struct net_addr *addr, char *buf);

/* The port of an internet address; 0 for a unix socket. */
unsigned net_port(const struct net_addr *addr);

/* Sets the port of an internet address. */
void net_set_port(struct net_addr *addr, unsigned port);

/* A listening socket; a unix path must not exist yet. SO_REUSEADDR is set on TCP sockets. */
int net_listen(const struct net_addr *addr, int backlog);

/* How much the kernel takes for a client that does not read: about so many bytes, and what fits into the client's own buffer. Those
 * of a listener are its connections'. More than the system allows is cut to that. */
void net_set_send_buffer(int fd, size_t bytes);

/* The next connection of a listener, or -1 (EAGAIN: none is waiting). */
int net_accept(int listener, struct net_addr *peer);

/* How many connections wait in a TCP listener's queue, complete for their clients; -1 with errno: not to be told. */
int net_waiting(int listener);

/* Starts to connect. *in_progress says whether the answer is still to come (writable, then net_connect_result). Urgent data
 * will be read in line: apart from the other bytes, it would be invisible to net_look. The caller owns the descriptor. */
int net_connect(const struct net_addr *addr, bool *in_progress);

/* TCP keepalive: after idle_s without a segment from the peer a probe is sent, then one each interval_s; when `probes` have gone
 * without an answer the connection ends with ETIMEDOUT. user_timeout_ms (TCP_USER_TIMEOUT; 0: the system's) takes the place of
 * `probes`, and also bounds how long sent data may stay unacknowledged, during which no probe is sent. */
struct net_keepalive {
    unsigned idle_s, interval_s, probes, user_timeout_ms;
};
#define NET_KEEPALIVE_S_MAX 32767 /* Linux: of idle_s and interval_s; the least is 1 */
#define NET_KEEPALIVE_PROBES_MAX 127

/* Switches it on, at best before the connection is there. A unix socket has none: nothing is done. Returns 0. */
int net_set_keepalive(int fd, const struct net_keepalive *keepalive);

/* The outcome of a connect in progress: 0 or an errno value. */
int net_connect_result(int fd);

/* Our own end of a connection. */
int net_local(int fd, struct net_addr *out);

/* What there is to read on a socket, without taking it. */
enum net_seen {
    NET_QUIET, /* nothing */
    NET_DATA,  /* unread bytes */
    NET_EOF,   /* the peer's FIN, and nothing before it */
    NET_ERROR, /* an error (a reset, a timeout): *err says which */
};

/* One recv with MSG_PEEK. FIONREAD would be blind to a FIN, and TCP_INQ costs more than this. */
enum net_seen net_look(int fd, int *err);

/* Ends: close with a FIN (a RST where unread bytes remain: the kernel's rule), or with a RST in any case. */
void net_end_fin(int fd);
void net_end_rst(int fd);

#endif
