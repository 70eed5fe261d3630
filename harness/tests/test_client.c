/* The request layer against a peer that says what it is told to, both on one loop. */
#include "base/clock.h"
#include "client/client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define PEER_CONNS 8

enum end { STAY, FIN, RST };

struct world {
    struct ev_loop *loop;
    struct pool_ev *pool;
    struct client *client;
    /* The peer: it answers once it has read so many bytes since its last answer. */
    int listener;
    ev_io accepting, reading[PEER_CONNS];
    unsigned accepted;
    size_t read_first, has_read, has_read_in_all;
    bool reads;
    const char *reply;
    enum end end;
    /* The requests' side. */
    struct net_addr addr;
    unsigned done;
    char heard[256];
};

/* --- the peer ------------------------------------------------------------------------------------------------------------- */

static void answer(struct world *w, ev_io *io)
{
    size_t bytes = strlen(w->reply);
    w->has_read = 0;
    assert_int_equal(send(io->fd, w->reply, bytes, MSG_NOSIGNAL), bytes);
    if (w->end == FIN) {
        shutdown(io->fd, SHUT_WR);
    } else if (w->end == RST) {
        ev_io_stop(w->loop, io);
        net_end_rst(io->fd);
        io->fd = -1;
    }
}

static void on_peer_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    static char buffer[1u << 20];
    struct world *w = io->data;
    (void)revents;
    ssize_t n = recv(io->fd, buffer, sizeof buffer, 0);
    if (n <= 0) {
        ev_io_stop(loop, io);
        return;
    }
    w->has_read += (size_t)n;
    w->has_read_in_all += (size_t)n;
    if (w->reply && w->has_read >= w->read_first)
        answer(w, io);
}

static void on_peer_accept(struct ev_loop *loop, ev_io *io, int revents)
{
    struct world *w = io->data;
    ev_io *conn = &w->reading[w->accepted];
    struct net_addr from;
    (void)revents;
    assert_in_range(w->accepted, 0, PEER_CONNS - 1);
    int fd = net_accept(io->fd, &from);
    assert_true(fd >= 0);
    w->accepted++;
    ev_io_init(conn, on_peer_readable, fd, EV_READ);
    conn->data = w;
    if (w->reads)
        ev_io_start(loop, conn);
    if (w->read_first == 0 && w->reply)
        answer(w, conn);
}

static int set_up(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.loop = ev_loop_new(0);
    w.pool = pool_ev_new(w.loop, &(struct pool_config){.size = 4, .idle_timeout_ns = 1000 * MS, .look_again_ns = MS / 10});
    w.client = client_new(w.loop, w.pool, &(struct client_config){0});
    assert_int_equal(net_parse(&w.addr, "127.0.0.1:0"), 0);
    w.listener = net_listen(&w.addr, 16);
    assert_true(w.client && w.listener >= 0);
    assert_int_equal(net_local(w.listener, &w.addr), 0);
    ev_io_init(&w.accepting, on_peer_accept, w.listener, EV_READ);
    w.accepting.data = &w;
    ev_io_start(w.loop, &w.accepting);
    w.reads = true;
    w.read_first = strlen(GET);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    struct pool_stats stats;
    pool_stats_all(pool_ev_core(w->pool), &stats);
    assert_int_equal(stats.in_use, 0); /* whatever happened, nothing is left behind */
    assert_int_equal(stats.connecting, 0);
    client_free(w->client);
    pool_ev_free(w->pool);
    for (unsigned i = 0; i < w->accepted; i++) {
        ev_io_stop(w->loop, &w->reading[i]);
        if (w->reading[i].fd >= 0)
            close(w->reading[i].fd);
    }
    ev_io_stop(w->loop, &w->accepting);
    if (w->listener >= 0)
        close(w->listener);
    ev_loop_destroy(w->loop);
    return 0;
}

/* --- requests --------------------------------------------------------------------------------------------------------------- */

static void on_done(struct client_request *request)
{
    struct world *w = request->user;
    w->done++;
    ev_break(w->loop, EVBREAK_ONE);
}

static struct client_request get(struct world *w)
{
    return (struct client_request){.key = "peer", .key_bytes = 4, .addr = &w->addr, .bytes = GET, .byte_count = strlen(GET),
                                   .timeout_ns = 10000 * MS, .done = on_done, .user = w};
}

static void wait_for_done(struct world *w)
{
    unsigned before = w->done;
    while (w->done == before)
        assert_true(ev_run(w->loop, EVRUN_ONCE));
}

static void do_request(struct world *w, struct client_request *request)
{
    assert_true(client_start(w->client, request));
    wait_for_done(w);
}

static void assert_failed(const struct client_request *request, enum client_phase phase, int err)
{
    assert_int_equal(request->phase, phase);
    assert_int_equal(request->err, err);
    assert_int_equal(request->fate, phase == CLIENT_CONNECT ? CLIENT_NEVER_OPEN : CLIENT_ABANDONED);
}

static void each_answer_has_its_outcome(void **state)
{
    static const struct {
        const char *reply;
        enum end end;
        enum client_phase phase;
        int err;
        enum client_fate fate;
        unsigned status;
    } cases[] = {
        {OK, STAY, CLIENT_DONE, 0, CLIENT_KEPT, 200},
        {OK, FIN, CLIENT_DONE, 0, CLIENT_LOST, 200},
        {OK "X", STAY, CLIENT_DONE, 0, CLIENT_SURPLUS, 200},
        {OK OK, FIN, CLIENT_DONE, 0, CLIENT_SURPLUS, 200},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", STAY, CLIENT_DONE, 0, CLIENT_CLOSED, 200},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", STAY, CLIENT_DONE, 0, CLIENT_CLOSED, 200},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", STAY, CLIENT_DONE, 0, CLIENT_KEPT, 200},
        {"HTTP/1.1 200 OK\r\n\r\nto the end", FIN, CLIENT_DONE, 0, CLIENT_CLOSED, 200},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", STAY, CLIENT_DONE, 0, CLIENT_KEPT, 200},
        {"HTTP/1.1 100 Continue\r\n\r\n" OK, STAY, CLIENT_DONE, 0, CLIENT_KEPT, 200},
        {"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", STAY, CLIENT_DONE, 0, CLIENT_KEPT, 404},
        {"HTTP/1.1 204 No\r\n\r\n", STAY, CLIENT_DONE, 0, CLIENT_KEPT, 204},
        {"", FIN, CLIENT_RECEIVE, CLIENT_EOF, CLIENT_ABANDONED, 0},
        {"", RST, CLIENT_RECEIVE, ECONNRESET, CLIENT_ABANDONED, 0},
        {"HTTP/1.1 200 OK\r\nConte", FIN, CLIENT_RESPONSE, CLIENT_EOF, CLIENT_ABANDONED, 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", FIN, CLIENT_RESPONSE, CLIENT_EOF, CLIENT_ABANDONED, 200},
        {"SSH-2.0-x\r\n", STAY, CLIENT_RESPONSE, CLIENT_BAD_RESPONSE, CLIENT_ABANDONED, 0},
        {"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", STAY, CLIENT_RESPONSE, CLIENT_BAD_RESPONSE,
         CLIENT_ABANDONED, 101},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        set_up(state);
        struct world *w = *state;
        struct client_request request = get(w);
        w->reply = cases[i].reply;
        w->end = cases[i].end;
        do_request(w, &request);
        assert_int_equal(request.phase, cases[i].phase);
        assert_int_equal(request.err, cases[i].err);
        assert_int_equal(request.fate, cases[i].fate);
        assert_int_equal(request.status, cases[i].status);
        tear_down(state);
    }
}

static void a_kept_connection_serves_the_next_request(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    w->reply = OK;
    request.want_local_port = true;
    for (unsigned i = 0; i < 5; i++) {
        unsigned port = request.local_port;
        do_request(w, &request);
        assert_int_equal(request.reused, i);
        assert_int_equal(request.fate, CLIENT_KEPT);
        assert_true(i == 0 ? request.connect_ns > 0 && request.local_port > 0
                           : request.connect_ns == 0 && request.local_port == port);
    }
    assert_int_equal(w->accepted, 1);
}

static void a_request_that_closes_leaves_nothing_to_reuse(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    w->reply = OK;
    request.closes = true;
    for (int i = 0; i < 3; i++) {
        do_request(w, &request);
        assert_int_equal(request.fate, CLIENT_CLOSED);
        assert_int_equal(request.reused, 0);
    }
    assert_int_equal(w->accepted, 3);
}

static void moments_come_in_order(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    w->reply = OK;
    for (int i = 0; i < 2; i++) { /* on a new connection, and on a reused one */
        uint64_t before = clock_now_ns();
        do_request(w, &request);
        assert_true(before <= request.start_ns && request.start_ns <= request.checkout_ns);
        assert_true(request.checkout_ns <= request.sent_ns && request.sent_ns < request.first_byte_ns);
        assert_true(request.first_byte_ns <= request.done_ns && request.done_ns <= clock_now_ns());
    }
}

static void the_answer_to_a_head_has_no_body(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    w->reply = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    request.is_head = true;
    do_request(w, &request);
    assert_int_equal(request.fate, CLIENT_KEPT);
}

static void hear(void *user, const char *piece, size_t bytes)
{
    struct world *w = user;
    strncat(w->heard, piece, bytes);
}

static void hooks_are_given_fields_and_body(void **state)
{
    static const struct http1_hooks hooks = {.field_name = hear, .field_value = hear, .body = hear};
    struct world *w = *state;
    struct client_request request = get(w);
    request.hooks = &hooks;
    request.hooks_user = w;
    w->reply = "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\nhi";
    for (int i = 0; i < 2; i++) { /* a head that was seen before is told of again */
        w->heard[0] = '\0';
        do_request(w, &request);
        assert_string_equal(w->heard, "AbContent-Length2hi");
    }
}

/* --- time ------------------------------------------------------------------------------------------------------------------- */

static void a_silent_peer_costs_the_timeout_and_the_connection(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    request.timeout_ns = 30 * MS;
    do_request(w, &request);
    assert_failed(&request, CLIENT_RECEIVE, CLIENT_TIMEOUT);
    assert_true(request.done_ns - request.start_ns >= 30 * MS);
}

static void a_shorter_timeout_comes_first(void **state)
{
    struct world *w = *state;
    struct client_request requests[] = {get(w), get(w), get(w)};
    static const unsigned ms[] = {60, 20, 40};
    for (int i = 0; i < 3; i++) {
        requests[i].timeout_ns = ms[i] * MS;
        assert_true(client_start(w->client, &requests[i]));
    }
    while (w->done < 3)
        ev_run(w->loop, EVRUN_ONCE);
    for (int i = 0; i < 3; i++) {
        assert_failed(&requests[i], CLIENT_RECEIVE, CLIENT_TIMEOUT);
        assert_true(requests[i].done_ns - requests[i].start_ns >= ms[i] * MS);
    }
    assert_true(requests[1].done_ns < requests[2].done_ns && requests[2].done_ns < requests[0].done_ns);
}

static void a_timeout_counts_while_connecting_too(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    /* A listener whose queue is full answers nothing. */
    struct net_addr full;
    bool in_progress;
    int fds[8];
    assert_int_equal(net_parse(&full, "127.0.0.1:0"), 0);
    int listener = net_listen(&full, 0);
    assert_int_equal(net_local(listener, &full), 0);
    for (int i = 0; i < 8; i++)
        fds[i] = net_connect(&full, &in_progress);
    request.addr = &full;
    request.timeout_ns = 30 * MS;
    do_request(w, &request);
    assert_failed(&request, CLIENT_CONNECT, CLIENT_TIMEOUT);
    for (int i = 0; i < 8; i++)
        close(fds[i]);
    close(listener);
}

/* --- what goes wrong at once, or early -------------------------------------------------------------------------------------- */

static void a_refused_connect_is_told(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    ev_io_stop(w->loop, &w->accepting);
    close(w->listener);
    w->listener = -1;
    do_request(w, &request);
    assert_failed(&request, CLIENT_CONNECT, ECONNREFUSED);
}

static void what_fails_at_once_is_the_return_value(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    struct net_addr nowhere;
    assert_int_equal(net_parse(&nowhere, "unix:/nowhere/at/all"), 0);
    request.addr = &nowhere;
    assert_false(client_start(w->client, &request));
    assert_failed(&request, CLIENT_CONNECT, ENOENT);
    assert_int_equal(w->done, 0);
}

static char *big_request(struct client_request *request, size_t body)
{
    char *bytes = malloc(body + 128);
    assert_non_null(bytes);
    int head = snprintf(bytes, 128, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", body);
    memset(bytes + head, 'x', body);
    request->bytes = bytes;
    request->byte_count = (size_t)head + body;
    return bytes;
}

static void what_the_kernel_does_not_take_at_once_is_sent_later(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    char *bytes = big_request(&request, 32u << 20);
    w->read_first = request.byte_count;
    w->reply = OK;
    do_request(w, &request);
    assert_int_equal(request.phase, CLIENT_DONE);
    assert_int_equal(request.fate, CLIENT_KEPT);
    assert_int_equal(w->has_read_in_all, request.byte_count);
    assert_true(request.sent_ns > request.checkout_ns);
    free(bytes);
}

static void a_response_before_the_request_is_sent_spoils_the_connection(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    char *bytes = big_request(&request, 32u << 20);
    w->read_first = 0;
    w->reads = false;
    w->reply = OK;
    do_request(w, &request);
    assert_int_equal(request.phase, CLIENT_DONE);
    assert_int_equal(request.status, 200);
    assert_int_equal(request.fate, CLIENT_EARLY);
    assert_int_equal(request.sent_ns, 0);
    free(bytes);
}

static void a_peer_that_resets_while_we_send_fails_in_send(void **state)
{
    struct world *w = *state;
    struct client_request request = get(w);
    char *bytes = big_request(&request, 32u << 20);
    w->read_first = 1000;
    w->reply = "";
    w->end = RST;
    do_request(w, &request);
    assert_int_equal(request.phase, CLIENT_SEND);
    assert_true(request.err == ECONNRESET || request.err == EPIPE);
    assert_int_equal(request.fate, CLIENT_ABANDONED);
    free(bytes);
}

static void a_cancelled_request_is_not_done(void **state)
{
    struct world *w = *state;
    struct client_request connecting = get(w), waiting = get(w);
    assert_true(client_start(w->client, &connecting));
    client_cancel(&connecting);
    assert_int_equal(connecting.fate, CLIENT_NEVER_OPEN);
    assert_true(client_start(w->client, &waiting));
    while (waiting.phase != CLIENT_RECEIVE)
        ev_run(w->loop, EVRUN_ONCE);
    client_cancel(&waiting);
    assert_int_equal(waiting.fate, CLIENT_ABANDONED);
    ev_run(w->loop, EVRUN_NOWAIT);
    assert_int_equal(w->done, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_has_its_outcome),
        TEST(a_kept_connection_serves_the_next_request),
        TEST(a_request_that_closes_leaves_nothing_to_reuse),
        TEST(moments_come_in_order),
        TEST(the_answer_to_a_head_has_no_body),
        TEST(hooks_are_given_fields_and_body),
        TEST(a_silent_peer_costs_the_timeout_and_the_connection),
        TEST(a_shorter_timeout_comes_first),
        TEST(a_timeout_counts_while_connecting_too),
        TEST(a_refused_connect_is_told),
        TEST(what_fails_at_once_is_the_return_value),
        TEST(what_the_kernel_does_not_take_at_once_is_sent_later),
        TEST(a_response_before_the_request_is_sent_spoils_the_connection),
        TEST(a_peer_that_resets_while_we_send_fails_in_send),
        TEST(a_cancelled_request_is_not_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
