#include "gap/gap.h"

#include "base/clock.h"
#include "base/heap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define KEY_BYTES (NET_TEXT_BYTES + 16)
#define MESSAGE_BYTES 512

struct pair {
    struct client_request request;
    struct gap_result *result;
    struct run *run;
    uint64_t first_sent_ns, first_done_ns;
    bool is_second;
    char key[KEY_BYTES]; /* of a pool of its own: nobody else is given this connection */
};

struct run {
    const struct gap_config *config;
    struct ev_loop *loop;
    struct pool_ev *pool;
    struct client *client;
    struct pair *pairs;
    struct heap_entry *due;
    unsigned due_count, left;
    ev_io wake; /* an absolute timerfd: libev's own timers know milliseconds only */
    char first[MESSAGE_BYTES], second[MESSAGE_BYTES];
};

static void start(struct pair *pair);

/* --- one pair -------------------------------------------------------------------------------------------------------------- */

static void end_pair(struct pair *pair)
{
    struct run *run = pair->run;
    if (--run->left == 0)
        ev_break(run->loop, EVBREAK_ALL);
}

static void end_first(struct pair *pair)
{
    struct run *run = pair->run;
    const struct client_request *request = &pair->request;
    if (request->err || request->fate != CLIENT_KEPT) {
        end_pair(pair);
        return;
    }
    pair->result->kept = true;
    pair->first_sent_ns = request->sent_ns;
    pair->first_done_ns = request->done_ns;
    pair->is_second = true;
    heap_push(run->due, &run->due_count, request->done_ns + pair->result->planned_ns, (unsigned)(pair - run->pairs));
}

static void end_second(struct pair *pair)
{
    struct gap_result *result = pair->result;
    const struct client_request *request = &pair->request;
    result->gap_ns = request->start_ns - pair->first_done_ns;
    result->span_ns = request->start_ns - pair->first_sent_ns;
    result->reused = request->reused;
    result->phase = request->phase;
    result->err = request->err;
    end_pair(pair);
}

static void end(struct pair *pair)
{
    if (pair->is_second)
        end_second(pair);
    else
        end_first(pair);
}

/* The second one closes the connection: what has been judged holds no descriptor any more. */
static void start(struct pair *pair)
{
    struct client_request *request = &pair->request;
    request->bytes = pair->is_second ? pair->run->second : pair->run->first;
    request->byte_count = strlen(request->bytes);
    request->closes = pair->is_second;
    if (!client_start(pair->run->client, request))
        end(pair);
}

/* --- pace ------------------------------------------------------------------------------------------------------------------- */

static void run_due(struct run *run)
{
    while (run->due_count && run->due[0].at_ns <= clock_now_ns())
        start(&run->pairs[heap_pop(run->due, &run->due_count)]);
    if (run->due_count) {
        uint64_t at_ns = run->due[0].at_ns;
        struct itimerspec when = {
            .it_value = {.tv_sec = (time_t)(at_ns / 1000000000u), .tv_nsec = (long)(at_ns % 1000000000u)}};
        timerfd_settime(run->wake.fd, TFD_TIMER_ABSTIME, &when, NULL);
    }
}

static void on_done(struct client_request *request)
{
    struct pair *pair = request->user;
    end(pair);
    run_due(pair->run);
}

static void on_wake(struct ev_loop *loop, ev_io *io, int revents)
{
    uint64_t times;
    (void)loop;
    (void)revents;
    if (read(io->fd, &times, sizeof times) > 0)
        run_due(io->data);
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static void init_messages(struct run *run)
{
    const struct url *url = run->config->url;
    const char *host = strncmp(url->key, "unix:", 5) == 0 ? "localhost" : url->key;
    snprintf(run->first, MESSAGE_BYTES, "GET %.200s HTTP/1.1\r\nHost: %s\r\n\r\n", url->target, host);
    snprintf(run->second, MESSAGE_BYTES, "GET %.200s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", url->target, host);
}

static void init_pairs(struct run *run, struct gap_result *results, unsigned count)
{
    const struct gap_config *config = run->config;
    uint64_t start_ns = clock_now_ns();
    for (unsigned i = 0; i < count; i++) {
        struct pair *pair = &run->pairs[i];
        pair->run = run;
        pair->result = &results[i];
        snprintf(pair->key, KEY_BYTES, "%s#%u", config->url->key, i);
        pair->request = (struct client_request){
            .key = pair->key, .key_bytes = strlen(pair->key), .addr = &config->url->addr, .timeout_ns = config->timeout_ns,
            .done = on_done, .user = pair};
        heap_push(run->due, &run->due_count, start_ns + (uint64_t)(i * 1e9 / config->rate), i);
    }
    run->left = count;
}

static int init(struct run *run, unsigned count)
{
    struct pool_config pool = {.size = 1, .idle_timeout_ns = run->config->idle_timeout_ns, .look_again_ns = 100000};
    struct client_config client = {0};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        return errno;
    ev_io_init(&run->wake, on_wake, fd, EV_READ);
    run->wake.data = run;
    run->loop = ev_loop_new(EVFLAG_AUTO);
    run->pool = run->loop ? pool_ev_new(run->loop, &pool) : NULL;
    run->client = run->pool ? client_new(run->loop, run->pool, &client) : NULL;
    run->pairs = calloc(count, sizeof run->pairs[0]);
    run->due = calloc(count, sizeof run->due[0]);
    if (!run->client || !run->pairs || !run->due)
        return ENOMEM;
    ev_io_start(run->loop, &run->wake);
    return 0;
}

static void free_run(struct run *run)
{
    free(run->pairs);
    free(run->due);
    client_free(run->client);
    pool_ev_free(run->pool);
    if (run->wake.fd > 0)
        close(run->wake.fd);
    if (run->loop)
        ev_loop_destroy(run->loop);
}

int gap_run(const struct gap_config *config, struct gap_result *results, unsigned count)
{
    struct run run = {.config = config};
    int err = init(&run, count);
    if (!err) {
        init_messages(&run);
        init_pairs(&run, results, count);
        run_due(&run);
        if (run.left)
            ev_run(run.loop, 0);
        pool_ev_stop(run.pool);
    }
    free_run(&run);
    return err;
}
