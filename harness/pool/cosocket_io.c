/* Sending and receiving on an object. The read buffer is the object's own, as the original's is: what was received beyond the
 * question stays in it, and setkeepalive will not take a connection with such bytes left. */
#include "pool/cosocket_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES 4096u

static void continue_read(struct cosocket *sock);
static void continue_write(struct cosocket *sock);

/* --- buffers ----------------------------------------------------------------------------------------------------------- */

static bool make_room(struct cosocket_buffer *b, size_t more)
{
    if (b->at) {
        memmove(b->data, b->data + b->at, b->bytes - b->at);
        b->bytes -= b->at;
        b->at = 0;
    }
    if (b->room - b->bytes >= more)
        return true;
    size_t room = b->bytes + more > b->room * 2 ? b->bytes + more : b->room * 2;
    char *data = realloc(b->data, room);
    if (!data)
        return false;
    b->data = data;
    b->room = room;
    return true;
}

static size_t unread(const struct cosocket *sock)
{
    return sock->in.bytes - sock->in.at;
}

bool cosocket_has_unread(const struct cosocket *sock)
{
    return unread(sock) > 0;
}

bool cosocket_peer_has_ended(const struct cosocket *sock)
{
    int err;
    enum net_seen seen = net_look(sock->conn->fd, &err);
    return seen == NET_EOF || seen == NET_ERROR;
}

/* --- events -------------------------------------------------------------------------------------------------------------- */

static void on_io(struct pool_ev_conn *conn, int revents)
{
    struct cosocket *sock = conn->user;
    if (revents & EV_WRITE)
        continue_write(sock);
    else if (sock->reading)
        continue_read(sock);
    else
        pool_ev_pause_read(conn);
}

static void start_timer(struct cosocket *sock, ev_timer *timer, double ms)
{
    ev_now_update(sock->pools->loop); /* a loop that was busy has an old time, and the timeout would come early */
    ev_timer_stop(sock->pools->loop, timer);
    ev_timer_set(timer, ms / 1e3, 0);
    ev_timer_start(sock->pools->loop, timer);
}

/* --- receiving ----------------------------------------------------------------------------------------------------------- */

static void give(struct cosocket *sock, struct cosocket_result *result, size_t bytes, size_t also_skip)
{
    result->data = sock->in.data + sock->in.at;
    result->bytes = bytes;
    sock->in.at += bytes + also_skip;
    sock->searched = sock->in.at;
}

static bool take_line(struct cosocket *sock, struct cosocket_result *result)
{
    char *start = sock->in.data + sock->in.at;
    char *end = memchr(sock->in.data + sock->searched, '\n', sock->in.bytes - sock->searched);
    sock->searched = sock->in.bytes;
    if (!end)
        return false;
    size_t raw = (size_t)(end - start), kept = 0;
    for (size_t i = 0; i < raw; i++)
        if (start[i] != '\r')
            start[kept++] = start[i];
    give(sock, result, raw, 1);
    result->bytes = kept;
    return true;
}

/* Answers from what has been received, if that is enough. */
static bool take(struct cosocket *sock, struct cosocket_result *result)
{
    size_t have = unread(sock);
    cosocket_ok(result);
    switch (sock->pattern) {
    case COSOCKET_EXACTLY:
        if (have < sock->wanted)
            return false;
        give(sock, result, sock->wanted, 0);
        return true;
    case COSOCKET_ANY:
        if (have == 0)
            return false;
        give(sock, result, have < sock->wanted ? have : sock->wanted, 0);
        return true;
    case COSOCKET_LINE:
        return have > 0 && take_line(sock, result);
    default:
        return false; /* everything: only the peer's end answers it */
    }
}

/* The read is over with an error, and what had arrived goes with it. */
static void fail_partial(struct cosocket *sock, struct cosocket_result *result, const char *err)
{
    cosocket_fail(result, err);
    give(sock, result, unread(sock), 0);
}

static void peer_ended(struct cosocket *sock, struct cosocket_result *result)
{
    if (sock->pattern == COSOCKET_ALL) {
        cosocket_ok(result);
        give(sock, result, unread(sock), 0);
    } else {
        fail_partial(sock, result, "closed");
    }
    cosocket_drop(sock);
}

static void read_failed(struct cosocket *sock, struct cosocket_result *result, int err)
{
    fail_partial(sock, result, cosocket_errno_text(sock, err));
    cosocket_drop(sock);
}

/* Reads until the question is answered (true) or the kernel has no more for now (false). */
static bool read_some(struct cosocket *sock, struct cosocket_result *result)
{
    while (!take(sock, result)) {
        size_t before = sock->in.at;
        if (!make_room(&sock->in, READ_BYTES)) {
            read_failed(sock, result, ENOMEM);
            return true;
        }
        sock->searched -= before;
        ssize_t n = recv(sock->conn->fd, sock->in.data + sock->in.bytes, READ_BYTES, 0);
        if (n > 0) {
            sock->in.bytes += (size_t)n;
        } else if (n == 0) {
            peer_ended(sock, result);
            return true;
        } else if (errno == EAGAIN) {
            return false;
        } else if (errno != EINTR) {
            read_failed(sock, result, errno);
            return true;
        }
    }
    return true;
}

static void read_is_over(struct cosocket *sock)
{
    sock->reading = false;
    ev_timer_stop(sock->pools->loop, &sock->read_timeout);
}

static void continue_read(struct cosocket *sock)
{
    struct cosocket_result result;
    sock->reading = false; /* where the connection goes now, this read has its answer here */
    if (!read_some(sock, &result)) {
        sock->reading = true;
        start_timer(sock, &sock->read_timeout, sock->read_timeout_ms); /* it counts between two arrivals */
        return;
    }
    read_is_over(sock);
    sock->done(sock, COSOCKET_RECEIVE, &result, sock->user);
}

static void on_read_timeout(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct cosocket *sock = timer->data;
    struct cosocket_result result;
    (void)loop;
    (void)revents;
    read_is_over(sock);
    fail_partial(sock, &result, "timeout");
    sock->done(sock, COSOCKET_RECEIVE, &result, sock->user);
}

static enum cosocket_status start_read(struct cosocket *sock, enum cosocket_pattern pattern, size_t n,
                                       struct cosocket_result *result)
{
    if (sock->connecting)
        return cosocket_fail(result, "socket busy connecting");
    if (sock->reading || sock->owed[COSOCKET_RECEIVE])
        return cosocket_fail(result, "socket busy reading");
    if (!sock->conn)
        return cosocket_fail(result, "closed");
    sock->pattern = pattern;
    sock->wanted = n;
    sock->searched = sock->in.at;
    if (read_some(sock, result))
        return result->status;
    sock->reading = true;
    pool_ev_want_read(sock->conn, on_io, sock);
    start_timer(sock, &sock->read_timeout, sock->read_timeout_ms);
    return cosocket_again(result);
}

enum cosocket_status cosocket_receive(struct cosocket *sock, size_t n, struct cosocket_result *result)
{
    return start_read(sock, COSOCKET_EXACTLY, n, result);
}

enum cosocket_status cosocket_receive_line(struct cosocket *sock, struct cosocket_result *result)
{
    return start_read(sock, COSOCKET_LINE, 0, result);
}

enum cosocket_status cosocket_receive_any(struct cosocket *sock, size_t n, struct cosocket_result *result)
{
    return start_read(sock, COSOCKET_ANY, n, result);
}

enum cosocket_status cosocket_receive_all(struct cosocket *sock, struct cosocket_result *result)
{
    return start_read(sock, COSOCKET_ALL, 0, result);
}

/* --- sending --------------------------------------------------------------------------------------------------------------- */

/* Returns the bytes that the kernel took, or -1 with errno where the connection has failed. */
static ssize_t send_some(struct cosocket *sock, const char *data, size_t bytes)
{
    size_t at = 0;
    while (at < bytes) {
        ssize_t n = send(sock->conn->fd, data + at, bytes - at, MSG_NOSIGNAL);
        if (n >= 0)
            at += (size_t)n;
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)at;
}

static void write_is_over(struct cosocket *sock)
{
    sock->to_write.at = sock->to_write.bytes = 0;
    ev_timer_stop(sock->pools->loop, &sock->send_timeout);
}

static void write_failed(struct cosocket *sock, struct cosocket_result *result, const char *err)
{
    cosocket_fail(result, err);
    write_is_over(sock); /* it has its answer here; a read that waits gets its own */
    cosocket_drop(sock);
}

static void continue_write(struct cosocket *sock)
{
    struct cosocket_buffer *b = &sock->to_write;
    struct cosocket_result result;
    ssize_t n = send_some(sock, b->data + b->at, b->bytes - b->at);
    if (n < 0) {
        write_failed(sock, &result, cosocket_errno_text(sock, errno));
    } else {
        b->at += (size_t)n;
        if (b->at < b->bytes) {
            start_timer(sock, &sock->send_timeout, sock->send_timeout_ms);
            return;
        }
        write_is_over(sock);
        pool_ev_want_write(sock->conn, false);
        cosocket_ok(&result);
        result.sent = sock->send_bytes;
    }
    sock->done(sock, COSOCKET_SEND, &result, sock->user);
}

static void on_send_timeout(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct cosocket *sock = timer->data;
    struct cosocket_result result;
    (void)loop;
    (void)revents;
    write_failed(sock, &result, "timeout");
    sock->done(sock, COSOCKET_SEND, &result, sock->user);
}

enum cosocket_status cosocket_send(struct cosocket *sock, const char *data, size_t bytes, struct cosocket_result *result)
{
    if (sock->connecting)
        return cosocket_fail(result, "socket busy connecting");
    if (sock->to_write.bytes || sock->owed[COSOCKET_SEND])
        return cosocket_fail(result, "socket busy writing");
    if (!sock->conn)
        return cosocket_fail(result, "closed");
    ssize_t n = send_some(sock, data, bytes);
    if (n < 0) {
        write_failed(sock, result, cosocket_errno_text(sock, errno));
        return COSOCKET_ERROR;
    }
    sock->send_bytes = bytes;
    if ((size_t)n == bytes) {
        cosocket_ok(result);
        result->sent = bytes;
        return COSOCKET_OK;
    }
    size_t left = bytes - (size_t)n;
    if (!make_room(&sock->to_write, left)) {
        write_failed(sock, result, cosocket_errno_text(sock, ENOMEM));
        return COSOCKET_ERROR;
    }
    memcpy(sock->to_write.data, data + n, left);
    sock->to_write.bytes = left;
    pool_ev_want_read(sock->conn, on_io, sock);
    pool_ev_want_write(sock->conn, true);
    start_timer(sock, &sock->send_timeout, sock->send_timeout_ms);
    return cosocket_again(result);
}

/* --- the object's life ------------------------------------------------------------------------------------------------------ */

void cosocket_io_init(struct cosocket *sock)
{
    ev_init(&sock->read_timeout, on_read_timeout);
    ev_init(&sock->send_timeout, on_send_timeout);
    ev_set_priority(&sock->read_timeout, EV_MINPRI); /* behind the I/O of the same iteration: what has arrived has not timed out */
    ev_set_priority(&sock->send_timeout, EV_MINPRI);
    sock->read_timeout.data = sock->send_timeout.data = sock;
}

void cosocket_io_forget(struct cosocket *sock, enum cosocket_op op)
{
    if (op == COSOCKET_SEND)
        write_is_over(sock);
    else
        read_is_over(sock);
}

/* Without a connection there is nothing to read, write or wait for. A result that was given out stays readable. */
void cosocket_io_reset(struct cosocket *sock)
{
    read_is_over(sock);
    write_is_over(sock);
    sock->in.at = sock->in.bytes = sock->searched = 0;
}
