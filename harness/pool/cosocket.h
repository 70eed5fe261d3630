/* cosocket.h - sockets with a connection pool behind them: the cosocket API of the lua-nginx-module, in C on libev.
 *
 *     struct cosocket_pools *pools = cosocket_pools_new(loop, NULL);
 *     struct cosocket *sock = cosocket_new(pools, on_done, user);
 *     if (cosocket_connect(sock, "127.0.0.1", 8080, NULL, &result) == COSOCKET_AGAIN) ... on_done comes later
 *     ... send, receive ...
 *     cosocket_setkeepalive(sock, NULL, NULL, &result);     the connection is in the pool, the object is closed
 *
 * An object (struct cosocket) holds at most one connection; a pool holds the idle connections of one server. One
 * struct cosocket_pools is one worker's: its pools, sizes and timeouts are its own. Everything belongs to the thread of
 * its loop.
 *
 * Each operation returns COSOCKET_OK or COSOCKET_ERROR with *result filled in, or COSOCKET_AGAIN: then it goes on in the
 * background and `done` is called once with its outcome, from the loop, never from inside a call. One read and one write
 * may be under way at the same time. Times are milliseconds. Error texts are the documented ones where there are any
 * (lua-nginx-module manual, ngx.socket.tcp), else those of the original. */
#ifndef COSOCKET_H
#define COSOCKET_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

struct cosocket_pools;
struct cosocket;

/* The directives of the manual, by their names there. Zeroed fields get the defaults in brackets. */
struct cosocket_config {
    unsigned pool_size;          /* lua_socket_pool_size [30]: of a pool that nobody sized */
    double keepalive_timeout_ms; /* lua_socket_keepalive_timeout [60000]; COSOCKET_UNLIMITED: none */
    double connect_timeout_ms;   /* lua_socket_connect_timeout [60000] */
    double send_timeout_ms;      /* lua_socket_send_timeout [60000] */
    double read_timeout_ms;      /* lua_socket_read_timeout [60000] */
    const char *resolver;        /* resolver: name servers, "127.0.0.1:5353,..." [the system's]; read at cosocket_pools_new only */
};
#define COSOCKET_UNLIMITED (-1.0)

enum cosocket_status { COSOCKET_OK, COSOCKET_AGAIN, COSOCKET_ERROR };
enum cosocket_op { COSOCKET_CONNECT, COSOCKET_SEND, COSOCKET_RECEIVE };

struct cosocket_result {
    enum cosocket_status status;
    const char *err;   /* static or the object's, until its next operation; NULL where it went well */
    unsigned reused;   /* connect: how often this connection had been reused before; 0 = new */
    size_t sent;       /* send: bytes */
    const char *data;  /* receive: what was asked for, or on an error what had arrived. Borrowed from the object until */
    size_t bytes;      /* its next operation or its end, whichever is first; not NUL-terminated */
};

typedef void cosocket_done(struct cosocket *sock, enum cosocket_op op, const struct cosocket_result *result, void *user);

/* `config` may be NULL. NULL is returned where memory is out. */
struct cosocket_pools *cosocket_pools_new(struct ev_loop *loop, const struct cosocket_config *config);

/* Closes what is idle. All objects must have been freed. */
void cosocket_pools_free(struct cosocket_pools *pools);

/* A worker that shuts down: idle connections close now, and a setkeepalive still succeeds but closes. */
void cosocket_pools_stop(struct cosocket_pools *pools);

/* An object without a connection. `done` may be NULL where every call is made so that it cannot have to wait. */
struct cosocket *cosocket_new(struct cosocket_pools *pools, cosocket_done *done, void *user);

/* Closes its connection if it has one (never pools it) and forgets what was under way; NULL is allowed. */
void cosocket_free(struct cosocket *sock);

/* TCP keepalive of one connection (tcp(7): TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_USER_TIMEOUT): after idle_s without a
 * segment from the peer its system is probed, each interval_s, and after so many `probes` without an answer the connection is dead:
 * in use, its user is told "connection timed out"; idle, the pool closes it. While sent data waits for its acknowledgement nothing is
 * probed; user_timeout_ms bounds that, too, and where it is given it takes the place of `probes`. */
struct cosocket_keepalive {
    long idle_s, interval_s; /* 1 to 32767 */
    long probes;             /* 1 to 127 */
    long user_timeout_ms;    /* 0: not given */
};

/* The options table of tcpsock:connect. Zeroed fields are not given. */
struct cosocket_options {
    const char *pool;      /* the pool's name, in place of the text "host:port" or "unix:/path" */
    const long *pool_size; /* of the pool, if this call creates it */
    const long *backlog;   /* if this call creates the pool: no more than pool_size connections of it at any time, and so many
                              connects may wait in line for one, first come first served, no longer than the connect timeout */
    const struct cosocket_keepalive *tcp_keepalive; /* if this call opens the connection: a reused one stays as it was opened, and a
                              unix socket has no such thing. Not in the manual, whose sockets take it from the system's defaults */
};

/* Takes an idle connection of the pool, the most recently returned first, or opens a new one. `host` goes into the pool's name as
 * it is written: a numeric address, or a name that is looked up only if a connection has to be opened, without blocking; or it
 * is "unix:/path" (then `port` is ignored). A connection that the object still holds is closed first, but not where the call
 * is refused for its arguments. Errors: "connection refused", "timeout" (in line or connecting), "too many waiting connect
 * operations", "no such file or directory", "NAME could not be resolved (3: Host not found)", "bad port number: N",
 * "failed to parse host name ...", "bad \"pool_size\" option value: N", "bad \"backlog\" option value: N", "bad \"tcp_keepalive\" option value: idle_s N", "socket busy ...". */
enum cosocket_status cosocket_connect(struct cosocket *sock, const char *host, int port, const struct cosocket_options *options,
                                      struct cosocket_result *result);

/* Gives up the operation that is under way: `done` will not be called for it. A connect leaves the line, or is dropped; a read
 * or a write ends with its connection, since nobody could tell any more where in its stream it is. False: there is none. */
bool cosocket_cancel(struct cosocket *sock, enum cosocket_op op);

/* Sends all of it; the bytes are copied. Any error but "closed" and the busy ones closes the connection. */
enum cosocket_status cosocket_send(struct cosocket *sock, const char *data, size_t bytes, struct cosocket_result *result);

/* Receives exactly n bytes; a line without its LF and CRs; 1 to n bytes, as soon as there are some; everything until the peer
 * closes. "timeout" leaves the connection open; any other error ("closed", "connection reset by peer") closes it, and so does
 * the peer's end in receive_all. */
enum cosocket_status cosocket_receive(struct cosocket *sock, size_t n, struct cosocket_result *result);
enum cosocket_status cosocket_receive_line(struct cosocket *sock, struct cosocket_result *result);
enum cosocket_status cosocket_receive_any(struct cosocket *sock, size_t n, struct cosocket_result *result);
enum cosocket_status cosocket_receive_all(struct cosocket *sock, struct cosocket_result *result);

/* tcpsock:setkeepalive(timeout?, size?). Puts the connection into its pool at once. timeout_ms: how long it may idle there;
 * NULL: the configured default; exactly 0: without limit; fractions count upwards. size: of the pool, if this call creates it;
 * NULL: the configured default; ignored once the pool exists, as it cannot be changed. A full pool closes its least recently
 * used idle connection. On success the object is closed. Errors:
 *   "connection in dubious state"   unread data in the system's receive buffer: closed, and so is the object
 *   "closed"                        the object holds no connection, or its peer has closed or reset it: closed
 *   "unread data in buffer"         bytes were received and not taken: nothing changes
 *   "socket busy reading|writing|connecting", "bad timeout value: X", "bad \"pool_size\" option value: N": nothing changes */
enum cosocket_status cosocket_setkeepalive(struct cosocket *sock, const double *timeout_ms, const long *size,
                                           struct cosocket_result *result);

/* tcpsock:getreusedtimes(): result->reused. Error: "closed". */
enum cosocket_status cosocket_getreusedtimes(struct cosocket *sock, struct cosocket_result *result);

/* Of later operations; 0: the configured default. Negative or not a number: COSOCKET_ERROR "bad timeout value: X". */
enum cosocket_status cosocket_settimeouts(struct cosocket *sock, double connect_ms, double send_ms, double read_ms,
                                          struct cosocket_result *result);

/* Error: "closed", or busy. */
enum cosocket_status cosocket_close(struct cosocket *sock, struct cosocket_result *result);

/* The port of our end, 0 for a unix socket or without a connection. */
unsigned cosocket_local_port(const struct cosocket *sock);

/* The pool underneath, for a protocol layer that brings its own reading and writing (pool_ev.h), and for what the pools say of
 * themselves. It stays the pools'. */
struct pool_ev;
struct pool_ev *cosocket_pools_ev(const struct cosocket_pools *pools);

#endif
