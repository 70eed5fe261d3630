/* An object and its connection: connect, setkeepalive, close. Reading and writing: cosocket_io.c. */
#include "pool/cosocket_private.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_POOL_SIZE 30u
#define DEFAULT_TIMEOUT_MS 60000.0
#define LOOK_AGAIN_NS 100000u /* within this time the network itself cannot be told from the pool */

static double or_default(double ms)
{
    return ms == 0 ? DEFAULT_TIMEOUT_MS : ms;
}

static uint64_t to_ns(double ms)
{
    double ns = ceil(ms * 1e6);
    return ms == COSOCKET_UNLIMITED || ns >= (double)POOL_UNLIMITED ? POOL_UNLIMITED : (uint64_t)ns;
}

struct cosocket_pools *cosocket_pools_new(struct ev_loop *loop, const struct cosocket_config *config)
{
    static const struct cosocket_config none;
    struct cosocket_pools *pools = calloc(1, sizeof *pools);
    if (!pools)
        return NULL;
    pools->loop = loop;
    pools->config = config ? *config : none;
    pools->config.connect_timeout_ms = or_default(pools->config.connect_timeout_ms);
    pools->config.send_timeout_ms = or_default(pools->config.send_timeout_ms);
    pools->config.read_timeout_ms = or_default(pools->config.read_timeout_ms);
    pools->ev = pool_ev_new(loop, &(struct pool_config){
        .size = pools->config.pool_size ? pools->config.pool_size : DEFAULT_POOL_SIZE,
        .idle_timeout_ns = to_ns(or_default(pools->config.keepalive_timeout_ms)),
        .look_again_ns = LOOK_AGAIN_NS,
    });
    if (!pools->ev) {
        free(pools);
        return NULL;
    }
    return pools;
}

void cosocket_pools_free(struct cosocket_pools *pools)
{
    if (!pools)
        return;
    pool_ev_free(pools->ev);
    free(pools);
}

void cosocket_pools_stop(struct cosocket_pools *pools)
{
    pool_ev_stop(pools->ev);
}

struct pool_ev *cosocket_pools_ev(const struct cosocket_pools *pools)
{
    return pools->ev;
}

/* --- results --------------------------------------------------------------------------------------------------------- */

enum cosocket_status cosocket_ok(struct cosocket_result *result)
{
    *result = (struct cosocket_result){.status = COSOCKET_OK};
    return COSOCKET_OK;
}

enum cosocket_status cosocket_again(struct cosocket_result *result)
{
    *result = (struct cosocket_result){.status = COSOCKET_AGAIN};
    return COSOCKET_AGAIN;
}

enum cosocket_status cosocket_fail(struct cosocket_result *result, const char *err)
{
    *result = (struct cosocket_result){.status = COSOCKET_ERROR, .err = err};
    return COSOCKET_ERROR;
}

static enum cosocket_status __attribute__((format(printf, 3, 4)))
fail_with(struct cosocket *sock, struct cosocket_result *result, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(sock->err, sizeof sock->err, format, args);
    va_end(args);
    return cosocket_fail(result, sock->err);
}

/* The original's words for an errno: the system's, in lower case; "timeout" for a timeout of ours. */
const char *cosocket_errno_text(struct cosocket *sock, int err)
{
    if (err == ETIMEDOUT)
        return "timeout";
    snprintf(sock->err, sizeof sock->err, "%s", strerror(err));
    for (char *c = sock->err; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return sock->err;
}

/* NULL, or why nothing else may happen on the object now. */
static const char *busy(const struct cosocket *sock)
{
    if (sock->connecting)
        return "socket busy connecting";
    if (sock->reading)
        return "socket busy reading";
    return sock->to_write.bytes ? "socket busy writing" : NULL;
}

/* --- the object ------------------------------------------------------------------------------------------------------ */

struct cosocket *cosocket_new(struct cosocket_pools *pools, cosocket_done *done, void *user)
{
    struct cosocket *sock = calloc(1, sizeof *sock);
    if (!sock)
        return NULL;
    sock->pools = pools;
    sock->done = done;
    sock->user = user;
    sock->connect_timeout_ms = pools->config.connect_timeout_ms;
    sock->send_timeout_ms = pools->config.send_timeout_ms;
    sock->read_timeout_ms = pools->config.read_timeout_ms;
    cosocket_io_init(sock);
    return sock;
}

/* The object has no connection any longer, whatever became of that. */
static void lose_connection(struct cosocket *sock)
{
    sock->conn = NULL;
    cosocket_io_reset(sock);
}

void cosocket_drop(struct cosocket *sock)
{
    struct pool_ev_conn *conn = sock->conn;
    lose_connection(sock);
    pool_ev_discard(conn);
}

void cosocket_free(struct cosocket *sock)
{
    if (!sock)
        return;
    if (sock->connecting)
        pool_ev_cancel(&sock->ticket);
    if (sock->conn)
        cosocket_drop(sock);
    free(sock->in.data);
    free(sock->to_write.data);
    free(sock->key);
    free(sock);
}

/* --- connect --------------------------------------------------------------------------------------------------------- */

static enum cosocket_status connected(struct cosocket *sock, struct cosocket_result *result)
{
    if (!sock->ticket.conn)
        return cosocket_fail(result, cosocket_errno_text(sock, sock->ticket.err));
    sock->conn = sock->ticket.conn;
    cosocket_ok(result);
    result->reused = sock->conn->core.reused;
    return COSOCKET_OK;
}

static void on_connected(struct pool_ev_ticket *ticket)
{
    struct cosocket *sock = ticket->user;
    struct cosocket_result result;
    sock->connecting = false;
    connected(sock, &result);
    sock->done(sock, COSOCKET_CONNECT, &result, sock->user);
}

static enum cosocket_status parse_address(struct cosocket *sock, const char *host, int port, struct cosocket_result *result)
{
    bool is_unix = strncmp(host, "unix:", 5) == 0;
    if (is_unix && host[5] == '\0')
        return fail_with(sock, result, "failed to parse host name \"%s\": no path in the unix domain socket", host);
    if (!is_unix && (port < 0 || port > 65535))
        return fail_with(sock, result, "bad port number: %d", port);
    if (*host == '\0')
        return fail_with(sock, result, "failed to parse host name \"\": no host");
    if (is_unix ? net_parse(&sock->addr, host) : net_parse_host_port(&sock->addr, host, (unsigned)port))
        return fail_with(sock, result, "failed to parse host name \"%s\": %s", host,
                         is_unix ? "the path is too long" : "not a numeric address");
    return cosocket_ok(result);
}

/* The pool's name: what its user named it, or the address as it was written. */
static bool set_key(struct cosocket *sock, const char *host, int port, const struct cosocket_options *options)
{
    char *key = NULL;
    int bytes;
    if (options && options->pool)
        bytes = asprintf(&key, "%s", options->pool);
    else if (sock->addr.sa.ss_family == AF_UNIX)
        bytes = asprintf(&key, "%s", host);
    else
        bytes = asprintf(&key, "%s:%d", host, port);
    if (bytes < 0)
        return false;
    free(sock->key);
    sock->key = key;
    sock->ticket.key = key;
    sock->ticket.key_bytes = (size_t)bytes;
    return true;
}

enum cosocket_status cosocket_connect(struct cosocket *sock, const char *host, int port, const struct cosocket_options *options,
                                      struct cosocket_result *result)
{
    const char *why_not = busy(sock);
    if (why_not)
        return cosocket_fail(result, why_not);
    if (parse_address(sock, host, port, result) != COSOCKET_OK)
        return COSOCKET_ERROR;
    if (!set_key(sock, host, port, options))
        return cosocket_fail(result, "no memory");
    if (sock->conn)
        cosocket_drop(sock);

    sock->ticket.addr = &sock->addr;
    sock->ticket.connect_timeout_ns = to_ns(sock->connect_timeout_ms);
    sock->ticket.done = on_connected;
    sock->ticket.user = sock;
    if (pool_ev_checkout(sock->pools->ev, &sock->ticket) != POOL_EV_PENDING)
        return connected(sock, result);
    sock->connecting = true;
    return cosocket_again(result);
}

/* --- setkeepalive, close, and what can be asked ----------------------------------------------------------------------- */

static bool is_bad_timeout(double ms)
{
    return isnan(ms) || ms < 0;
}

enum cosocket_status cosocket_setkeepalive(struct cosocket *sock, const double *timeout_ms, const long *size,
                                           struct cosocket_result *result)
{
    const char *why_not = busy(sock);
    if (why_not)
        return cosocket_fail(result, why_not);
    if (!sock->conn)
        return cosocket_fail(result, "closed");
    if (timeout_ms && is_bad_timeout(*timeout_ms))
        return fail_with(sock, result, "bad timeout value: %g", *timeout_ms);
    if (size && (*size <= 0 || *size > INT32_MAX) && !pool_exists_for(&sock->conn->core))
        return fail_with(sock, result, "bad \"pool_size\" option value: %ld", *size);
    if (cosocket_has_unread(sock)) {
        if (!cosocket_peer_has_ended(sock))
            return cosocket_fail(result, "unread data in buffer");
        cosocket_drop(sock);
        return cosocket_fail(result, "closed");
    }

    struct pool_ev_conn *conn = sock->conn;
    uint64_t idle_ns = !timeout_ms ? 0 : *timeout_ms == 0 ? POOL_UNLIMITED : to_ns(*timeout_ms);
    lose_connection(sock);
    switch (pool_ev_checkin(conn, idle_ns, size && *size > 0 ? (unsigned)*size : 0)) {
    case POOL_EV_DUBIOUS:
        return cosocket_fail(result, "connection in dubious state");
    case POOL_EV_CLOSED:
        return cosocket_fail(result, "closed");
    default:
        return cosocket_ok(result);
    }
}

enum cosocket_status cosocket_close(struct cosocket *sock, struct cosocket_result *result)
{
    const char *why_not = busy(sock);
    if (why_not)
        return cosocket_fail(result, why_not);
    if (!sock->conn)
        return cosocket_fail(result, "closed");
    cosocket_drop(sock);
    return cosocket_ok(result);
}

enum cosocket_status cosocket_getreusedtimes(struct cosocket *sock, struct cosocket_result *result)
{
    if (!sock->conn && !sock->connecting)
        return cosocket_fail(result, "closed");
    cosocket_ok(result);
    result->reused = sock->conn ? sock->conn->core.reused : 0;
    return COSOCKET_OK;
}

enum cosocket_status cosocket_settimeouts(struct cosocket *sock, double connect_ms, double send_ms, double read_ms,
                                          struct cosocket_result *result)
{
    const double given[] = {connect_ms, send_ms, read_ms};
    for (size_t i = 0; i < 3; i++)
        if (is_bad_timeout(given[i]))
            return fail_with(sock, result, "bad timeout value: %g", given[i]);
    const struct cosocket_config *config = &sock->pools->config;
    sock->connect_timeout_ms = connect_ms == 0 ? config->connect_timeout_ms : connect_ms;
    sock->send_timeout_ms = send_ms == 0 ? config->send_timeout_ms : send_ms;
    sock->read_timeout_ms = read_ms == 0 ? config->read_timeout_ms : read_ms;
    return cosocket_ok(result);
}

unsigned cosocket_local_port(const struct cosocket *sock)
{
    struct net_addr local;
    return sock->conn && net_local(sock->conn->fd, &local) == 0 ? net_port(&local) : 0;
}
