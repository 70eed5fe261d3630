#include "client/client.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVE_BYTES (64u << 10)

struct client {
    struct ev_loop *loop;
    struct pool_ev *pool;
    struct client_config config;
    struct http1_head_cache heads;
    struct client_request deadlines; /* head of a circular list: later = the soonest deadline, sooner = the latest */
    ev_timer timer;                  /* never moved while it comes early enough */
    uint64_t timer_at_ns;
    char buffer[RECEIVE_BYTES];
};

const char *client_phase_text(enum client_phase phase)
{
    static const char *const text[] = {"connect", "send", "receive", "response", "done"};
    return text[phase];
}

const char *client_error_text(int err)
{
    switch (err) {
    case CLIENT_EOF:
        return "EOF";
    case CLIENT_TIMEOUT:
        return "TIMEOUT";
    case CLIENT_BAD_RESPONSE:
        return "BAD_RESPONSE";
    default: {
        const char *name = strerrorname_np(err);
        return name ? name : "UNKNOWN";
    }
    }
}

/* --- the ends of a request --------------------------------------------------------------------------------------------- */

static void leave_deadlines(struct client_request *request)
{
    if (!request->deadline_ns)
        return;
    request->sooner->later = request->later;
    request->later->sooner = request->sooner;
    request->deadline_ns = 0;
}

static void finish(struct client_request *request, uint64_t now_ns)
{
    request->done_ns = now_ns;
    leave_deadlines(request);
}

static void discard(struct client_request *request, enum client_fate fate)
{
    pool_ev_discard(request->conn);
    request->conn = NULL;
    request->fate = fate;
}

static void check_in(struct client_request *request)
{
    static const enum client_fate fates[] = {
        [POOL_EV_PARKED] = CLIENT_KEPT, [POOL_EV_DUBIOUS] = CLIENT_DUBIOUS, [POOL_EV_CLOSED] = CLIENT_LOST};
    const struct client_config *config = &request->client->config;
    request->fate = fates[pool_ev_checkin(request->conn, config->idle_timeout_ns, config->pool_size)];
    request->conn = NULL;
}

/* Fills in a failure; whoever calls it knows whether to tell the caller by done or by a return value. */
static void fail(struct client_request *request, int err)
{
    finish(request, clock_now_ns());
    request->err = err;
    if (request->conn)
        discard(request, CLIENT_ABANDONED);
}

static void fail_later(struct client_request *request, int err)
{
    fail(request, err);
    request->done(request);
}

static void complete(struct client_request *request, uint64_t now_ns, bool surplus)
{
    const struct http1 *http = &request->http;
    finish(request, now_ns);
    request->phase = CLIENT_DONE;
    request->status = http->status;
    if (request->early)
        discard(request, CLIENT_EARLY);
    else if (surplus)
        discard(request, CLIENT_SURPLUS);
    else if (!http->keep_alive || http->until_close || request->closes)
        discard(request, CLIENT_CLOSED);
    else
        check_in(request);
    request->done(request);
}

/* --- deadlines --------------------------------------------------------------------------------------------------------- */

/* One timer for all, and a list that is sorted by putting the new one behind the last that is not later: with one timeout
 * for all that is the end of the list at once. A watcher for each request would cost more than its parsing. */
static void set_timer(struct client *client, uint64_t deadline_ns)
{
    uint64_t now = clock_now_ns();
    ev_now_update(client->loop); /* the loop's cached time may be old, and the timer would come early */
    ev_timer_stop(client->loop, &client->timer);
    ev_timer_set(&client->timer, deadline_ns > now ? (double)(deadline_ns - now) / 1e9 : 0, 0);
    ev_timer_start(client->loop, &client->timer);
    client->timer_at_ns = deadline_ns;
}

static void join_deadlines(struct client *client, struct client_request *request)
{
    struct client_request *head = &client->deadlines, *before = head->sooner;
    if (!request->timeout_ns)
        return;
    request->deadline_ns = request->start_ns + request->timeout_ns;
    while (before != head && before->deadline_ns > request->deadline_ns)
        before = before->sooner;
    request->sooner = before;
    request->later = before->later;
    before->later->sooner = request;
    before->later = request;
    if (request->deadline_ns < client->timer_at_ns)
        set_timer(client, request->deadline_ns);
}

static void time_out(struct client_request *request)
{
    if (!request->conn) /* still connecting */
        pool_ev_cancel(&request->ticket);
    fail_later(request, CLIENT_TIMEOUT);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct client *client = timer->data;
    const struct client_request *head = &client->deadlines;
    uint64_t now = clock_now_ns();
    (void)loop;
    (void)revents;
    client->timer_at_ns = UINT64_MAX;
    while (head->later != head && head->later->deadline_ns <= now)
        time_out(head->later);
    if (head->later != head && head->later->deadline_ns < client->timer_at_ns)
        set_timer(client, head->later->deadline_ns);
}

/* --- send and receive --------------------------------------------------------------------------------------------------- */

/* Returns 0, or an errno value. */
static int send_some(struct client_request *request, uint64_t now_ns)
{
    ssize_t n = send(request->conn->fd, request->bytes + request->sent, request->byte_count - request->sent, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return errno;
    if (n > 0)
        request->sent += (size_t)n;
    if (request->sent == request->byte_count) {
        request->sent_ns = now_ns;
        request->phase = CLIENT_RECEIVE;
    }
    return 0;
}

static bool is_sent(const struct client_request *request)
{
    return request->sent == request->byte_count;
}

static void receive_end(struct client_request *request)
{
    if (http1_finish(&request->http) == HTTP1_DONE)
        complete(request, clock_now_ns(), false);
    else
        fail_later(request, CLIENT_EOF);
}

static void receive_bytes(struct client_request *request, size_t bytes)
{
    const char *data = request->client->buffer;
    uint64_t now = clock_now_ns();
    size_t used;

    if (!request->first_byte_ns) {
        request->first_byte_ns = now;
        request->early = !is_sent(request);
    }
    request->phase = CLIENT_RESPONSE;
    enum http1_state state = http1_feed(&request->http, data, bytes, &used);
    if (request->http.head_done)
        request->status = request->http.status;
    if (state == HTTP1_BAD || request->status == 101)
        fail_later(request, CLIENT_BAD_RESPONSE);
    else if (state == HTTP1_DONE)
        complete(request, now, used < bytes);
}

static void receive(struct client_request *request)
{
    ssize_t n = recv(request->conn->fd, request->client->buffer, RECEIVE_BYTES, 0);
    if (n > 0)
        receive_bytes(request, (size_t)n);
    else if (n == 0)
        receive_end(request);
    else if (errno != EAGAIN && errno != EINTR)
        fail_later(request, errno);
}

static void on_io(struct pool_ev_conn *conn, int revents)
{
    struct client_request *request = conn->user;
    if (revents & EV_READ) {
        receive(request);
        return;
    }
    int err = send_some(request, clock_now_ns());
    if (err)
        fail_later(request, err);
    else if (is_sent(request))
        pool_ev_want_write(conn, false);
}

/* --- checkout ----------------------------------------------------------------------------------------------------------- */

static unsigned local_port(int fd)
{
    struct net_addr local;
    return net_local(fd, &local) == 0 ? net_port(&local) : 0;
}

/* A connection is here: writes at once, and waits to be writable only after the kernel has said so. Returns an errno value. */
static int begin(struct client_request *request, uint64_t now_ns)
{
    struct pool_ev_conn *conn = request->ticket.conn;
    request->conn = conn;
    request->reused = conn->core.reused;
    request->checkout_ns = now_ns;
    request->connect_ns = request->ticket.connect_ns;
    request->phase = CLIENT_SEND;
    if (request->want_local_port)
        request->local_port = local_port(conn->fd);
    http1_init(&request->http, HTTP1_RESPONSE, request->hooks, request->hooks_user, request->is_head, &request->client->heads);
    pool_ev_want_read(conn, on_io, request);
    int err = send_some(request, now_ns);
    if (!err && !is_sent(request))
        pool_ev_want_write(conn, true);
    return err;
}

static void on_connected(struct pool_ev_ticket *ticket)
{
    struct client_request *request = ticket->user;
    int err = ticket->conn ? begin(request, clock_now_ns()) : ticket->err;
    if (err)
        fail_later(request, err);
}

static void clear_answer(struct client_request *request)
{
    request->phase = CLIENT_CONNECT;
    request->err = 0;
    request->fate = CLIENT_NEVER_OPEN;
    request->status = request->reused = request->local_port = 0;
    request->checkout_ns = request->connect_ns = request->sent_ns = request->first_byte_ns = request->done_ns = 0;
    request->conn = NULL;
    request->sent = 0;
    request->early = false;
}

bool client_start(struct client *client, struct client_request *request)
{
    struct pool_ev_ticket *ticket = &request->ticket;
    int err;

    clear_answer(request);
    request->client = client;
    request->start_ns = clock_now_ns();
    ticket->key = request->key;
    ticket->key_bytes = request->key_bytes;
    ticket->addr = request->addr;
    ticket->addr_count = 1;
    ticket->connect_timeout_ns = request->connect_timeout_ns;
    ticket->done = on_connected;
    ticket->user = request;

    join_deadlines(client, request);
    switch (pool_ev_checkout(client->pool, ticket)) {
    case POOL_EV_PENDING:
        return true;
    case POOL_EV_READY:
        /* A reused connection comes without a wait: the clock is not read again for it. */
        err = begin(request, ticket->connect_ns ? clock_now_ns() : request->start_ns);
        break;
    default:
        err = ticket->err;
    }
    if (err)
        fail(request, err);
    return !err;
}

void client_cancel(struct client_request *request)
{
    leave_deadlines(request);
    if (request->conn)
        discard(request, CLIENT_ABANDONED);
    else
        pool_ev_cancel(&request->ticket);
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

struct client *client_new(struct ev_loop *loop, struct pool_ev *pool, const struct client_config *config)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    client->loop = loop;
    client->pool = pool;
    client->config = *config;
    client->deadlines.sooner = client->deadlines.later = &client->deadlines;
    client->timer_at_ns = UINT64_MAX;
    ev_init(&client->timer, on_timer);
    ev_set_priority(&client->timer, EV_MINPRI); /* behind the I/O of the same iteration: what has arrived has not timed out */
    client->timer.data = client;
    return client;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    assert(client->deadlines.later == &client->deadlines);
    ev_timer_stop(client->loop, &client->timer);
    free(client);
}
