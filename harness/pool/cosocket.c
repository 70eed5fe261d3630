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
    pools->name_servers = pools->config.resolver ? strdup(pools->config.resolver) : NULL;
    pools->config.connect_timeout_ms = or_default(pools->config.connect_timeout_ms);
    pools->config.send_timeout_ms = or_default(pools->config.send_timeout_ms);
    pools->config.read_timeout_ms = or_default(pools->config.read_timeout_ms);
    pools->ev = pool_ev_new(loop, &(struct pool_config){
        .size = pools->config.pool_size ? pools->config.pool_size : DEFAULT_POOL_SIZE,
        .idle_timeout_ns = to_ns(or_default(pools->config.keepalive_timeout_ms)),
        .look_again_ns = LOOK_AGAIN_NS,
    });
    if (!pools->ev || (pools->config.resolver && !pools->name_servers)) {
        cosocket_pools_free(pools);
        return NULL;
    }
    return pools;
}

void cosocket_pools_free(struct cosocket_pools *pools)
{
    if (!pools)
        return;
    pool_ev_free(pools->ev);
    resolver_free(pools->resolver);
    free(pools->name_servers);
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

/* The original's words for an errno: the system's, in lower case. "connection timed out" is what TCP says when it gives a connection up;
 * "timeout" is a timeout of ours. */
const char *cosocket_errno_text(struct cosocket *sock, int err)
{
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
    if (sock->reading || sock->owed[COSOCKET_RECEIVE])
        return "socket busy reading";
    return sock->to_write.bytes || sock->owed[COSOCKET_SEND] ? "socket busy writing" : NULL;
}

/* --- the object ------------------------------------------------------------------------------------------------------ */

static void on_tell(struct ev_loop *loop, ev_timer *timer, int revents);

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
    ev_init(&sock->tell, on_tell);
    sock->tell.data = sock;
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
    sock->owed[COSOCKET_RECEIVE] |= sock->reading;
    sock->owed[COSOCKET_SEND] |= sock->to_write.bytes > 0;
    if (sock->owed[COSOCKET_RECEIVE] || sock->owed[COSOCKET_SEND])
        ev_feed_event(sock->pools->loop, &sock->tell, EV_CUSTOM);
    lose_connection(sock);
    pool_ev_discard(conn);
}

static void on_tell(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct cosocket *sock = timer->data;
    struct cosocket_result result;
    (void)loop;
    (void)revents;
    for (int op = COSOCKET_SEND; op <= COSOCKET_RECEIVE; op++) {
        if (!sock->owed[op])
            continue;
        sock->owed[op] = false;
        cosocket_fail(&result, "closed");
        if (op == COSOCKET_SEND && sock->owed[COSOCKET_RECEIVE]) /* before the user may free the object in `done` */
            ev_feed_event(loop, timer, EV_CUSTOM);
        sock->done(sock, (enum cosocket_op)op, &result, sock->user);
        return;
    }
}

void cosocket_free(struct cosocket *sock)
{
    if (!sock)
        return;
    cosocket_cancel(sock, COSOCKET_CONNECT);
    if (sock->conn)
        cosocket_drop(sock);
    ev_clear_pending(sock->pools->loop, &sock->tell);
    free(sock->in.data);
    free(sock->to_write.data);
    free(sock->host);
    free(sock->key);
    free(sock);
}

/* --- connect --------------------------------------------------------------------------------------------------------- */

static enum cosocket_status connected(struct cosocket *sock, struct cosocket_result *result)
{
    const struct pool_ev_ticket *ticket = &sock->ticket;
    if (!ticket->conn)
        return cosocket_fail(result, ticket->why ? ticket->why : cosocket_errno_text(sock, ticket->err));
    sock->conn = ticket->conn;
    cosocket_ok(result);
    result->reused = sock->conn->core.reused;
    return COSOCKET_OK;
}

static void on_connected(struct pool_ev_ticket *ticket)
{
    struct cosocket *sock = ticket->user;
    struct cosocket_result result;
    sock->connecting = false;
    resolve_cancel(&sock->query);
    connected(sock, &result);
    sock->done(sock, COSOCKET_CONNECT, &result, sock->user);
}

static void on_resolved(struct resolve_query *query)
{
    struct cosocket *sock = query->user;
    sock->ticket.addr = query->addr;
    sock->ticket.addr_count = query->count;
    pool_ev_resolved(&sock->ticket, query->count ? NULL : query->why);
}

/* Only when a connection has to be opened: a hit in the pool needs no address. */
static void look_up(struct pool_ev_ticket *ticket)
{
    struct cosocket *sock = ticket->user;
    struct cosocket_pools *pools = sock->pools;
    if (!pools->resolver)
        pools->resolver = resolver_new(pools->loop, pools->name_servers);
    if (!pools->resolver) {
        pool_ev_resolved(ticket, "no resolver could be started");
        return;
    }
    sock->query.done = on_resolved;
    sock->query.user = sock;
    resolve_start(pools->resolver, &sock->query, sock->host, (unsigned)sock->port);
}

static enum cosocket_status check_keepalive(struct cosocket *sock, const struct cosocket_keepalive *k,
                                            struct cosocket_result *result)
{
    const struct {
        const char *name;
        long value, least, most;
    } fields[] = {
        {"idle_s", k->idle_s, 1, NET_KEEPALIVE_S_MAX},
        {"interval_s", k->interval_s, 1, NET_KEEPALIVE_S_MAX},
        {"probes", k->probes, 1, NET_KEEPALIVE_PROBES_MAX},
        {"user_timeout_ms", k->user_timeout_ms, 0, INT32_MAX},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].value < fields[i].least || fields[i].value > fields[i].most)
            return fail_with(sock, result, "bad \"tcp_keepalive\" option value: %s %ld", fields[i].name, fields[i].value);
    return cosocket_ok(result);
}

/* What can be said of the arguments without looking at the network; in the original's order. */
static enum cosocket_status check_arguments(struct cosocket *sock, const char *host, int port,
                                            const struct cosocket_options *options, struct cosocket_result *result)
{
    bool is_unix = strncmp(host, "unix:", 5) == 0;
    struct net_addr addr;
    if (options->pool_size && (*options->pool_size <= 0 || *options->pool_size > INT32_MAX))
        return fail_with(sock, result, "bad \"pool_size\" option value: %ld", *options->pool_size);
    if (options->backlog && (*options->backlog < 0 || *options->backlog > INT32_MAX))
        return fail_with(sock, result, "bad \"backlog\" option value: %ld", *options->backlog);
    if (options->tcp_keepalive && check_keepalive(sock, options->tcp_keepalive, result) != COSOCKET_OK)
        return COSOCKET_ERROR;
    if (is_unix && host[5] == '\0')
        return fail_with(sock, result, "failed to parse host name \"%s\": no path in the unix domain socket", host);
    if (is_unix && net_parse(&addr, host) < 0)
        return fail_with(sock, result, "failed to parse host name \"%.60s...\": the path is too long", host);
    if (!is_unix && (port < 0 || port > 65535))
        return fail_with(sock, result, "bad port number: %d", port);
    if (*host == '\0')
        return fail_with(sock, result, "failed to parse host name \"\": no host");
    return cosocket_ok(result);
}

/* Where to: known at once, or a name to be looked up (addr_count 0). */
static bool set_address(struct cosocket *sock, const char *host, int port)
{
    bool known = strncmp(host, "unix:", 5) == 0 ? net_parse(&sock->addr, host) == 0
                                                : net_parse_host_port(&sock->addr, host, (unsigned)port) == 0;
    free(sock->host);
    sock->host = strdup(host);
    sock->port = port;
    sock->ticket.addr = &sock->addr;
    sock->ticket.addr_count = known;
    sock->ticket.resolve = look_up;
    return sock->host != NULL;
}

/* The pool's name: what its user named it, or the address as it was written. */
static bool set_key(struct cosocket *sock, const char *host, int port, const char *pool)
{
    char *key = NULL;
    int bytes;
    if (pool)
        bytes = asprintf(&key, "%s", pool);
    else if (strncmp(host, "unix:", 5) == 0)
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

static void set_wishes(struct cosocket *sock, const struct cosocket_options *options)
{
    sock->ticket.pool_size = options->pool_size ? (unsigned)*options->pool_size : 0;
    sock->ticket.limited = options->backlog != NULL;
    sock->ticket.backlog = options->backlog ? (unsigned)*options->backlog : 0;
    const struct cosocket_keepalive *k = options->tcp_keepalive;
    if (k)
        sock->keepalive = (struct net_keepalive){.idle_s = (unsigned)k->idle_s, .interval_s = (unsigned)k->interval_s,
                                                 .probes = (unsigned)k->probes, .user_timeout_ms = (unsigned)k->user_timeout_ms};
    sock->ticket.keepalive = k ? &sock->keepalive : NULL;
    sock->ticket.connect_timeout_ns = to_ns(sock->connect_timeout_ms);
    sock->ticket.done = on_connected;
    sock->ticket.user = sock;
}

enum cosocket_status cosocket_connect(struct cosocket *sock, const char *host, int port, const struct cosocket_options *options,
                                      struct cosocket_result *result)
{
    static const struct cosocket_options none;
    const char *why_not = busy(sock);
    if (why_not)
        return cosocket_fail(result, why_not);
    options = options ? options : &none;
    if (check_arguments(sock, host, port, options, result) != COSOCKET_OK)
        return COSOCKET_ERROR;
    if (sock->conn)
        cosocket_drop(sock);
    if (!set_address(sock, host, port) || !set_key(sock, host, port, options->pool))
        return cosocket_fail(result, "no memory");
    set_wishes(sock, options);
    if (pool_ev_checkout(sock->pools->ev, &sock->ticket) != POOL_EV_PENDING)
        return connected(sock, result);
    sock->connecting = true;
    return cosocket_again(result);
}

bool cosocket_cancel(struct cosocket *sock, enum cosocket_op op)
{
    if (op == COSOCKET_CONNECT) {
        bool was_connecting = sock->connecting;
        if (was_connecting) {
            resolve_cancel(&sock->query);
            pool_ev_cancel(&sock->ticket);
        }
        sock->connecting = false;
        return was_connecting;
    }
    bool is_under_way = op == COSOCKET_SEND ? sock->to_write.bytes > 0 : sock->reading;
    if (is_under_way) {
        cosocket_io_forget(sock, op);
        cosocket_drop(sock);
    }
    return is_under_way;
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
    bool has_place = sock->conn || (sock->connecting && !pool_ev_is_in_line(&sock->ticket));
    if (!has_place)
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
