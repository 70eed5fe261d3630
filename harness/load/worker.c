#include "load/worker.h"

#include "base/clock.h"
#include "load/token.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LAG_NS UINT64_C(10000000)          /* how often the loop's own lateness is looked at */
#define CONNECT_REST_NS UINT64_C(10000000) /* before a user tries again to connect: a refused port would be a busy loop */

struct user {
    struct client_request request;
    struct token_request message;
    struct worker *worker;
    uint64_t due_ns, token;
    bool busy;
    size_t body_bytes;
    char body[TOKEN_BODY_BYTES];
};

struct worker {
    const struct load_options *options;
    const struct sched_config *schedule;
    struct results *results;
    struct ev_loop *loop;
    struct pool_ev *pool;
    struct client *client;
    struct sched *sched;
    struct user *users;
    unsigned busy;
    uint64_t tokens;
    uint64_t lag_due_ns;
    uint64_t wake_ns; /* what the timer is set to; SCHED_NEVER: nothing */
    ev_io wake;       /* an absolute timerfd: libev's own timers know milliseconds only */
    ev_timer lag;
    ev_signal interrupt, terminate;
};

/* --- one request ----------------------------------------------------------------------------------------------------------- */

/* The beginning of the body, where the server's echo stands. */
static void keep_body(void *data, const char *piece, size_t bytes)
{
    struct user *user = data;
    size_t room = sizeof user->body - user->body_bytes;
    size_t take = bytes < room ? bytes : room;
    memcpy(user->body + user->body_bytes, piece, take);
    user->body_bytes += take;
}

static void record(struct user *user)
{
    struct worker *w = user->worker;
    const struct client_request *request = &user->request;
    bool paced = w->options->rate > 0;
    struct results_fact fact = {.since_ns = paced ? user->due_ns : request->start_ns, .token = user->token};

    if (!w->options->fixed)
        fact.echo = token_check(&user->message, user->body, user->body_bytes, &fact.conn);
    results_record(w->results, request, &fact, w->schedule->start_ns);
    if (request->fate == CLIENT_KEPT) {
        struct pool_stats stats;
        pool_stats_all(pool_ev_core(w->pool), &stats);
        if (stats.idle > w->results->idle_peak)
            w->results->idle_peak = stats.idle;
    }
}

static void finish(struct user *user)
{
    struct worker *w = user->worker;
    const struct client_request *request = &user->request;
    bool rests = request->phase == CLIENT_CONNECT && w->options->rate <= 0;

    user->busy = false;
    w->busy--;
    record(user);
    sched_done(w->sched, (unsigned)(user - w->users), request->done_ns + (rests ? CONNECT_REST_NS : 0));
}

static void start(struct worker *w, const struct sched_start *next)
{
    struct user *user = &w->users[next->user];
    struct results *results = w->results;

    user->due_ns = next->due_ns;
    user->busy = true;
    user->body_bytes = 0;
    user->token = (uint64_t)results->worker << 48 | w->tokens++;
    if (user->message.token_at)
        token_write(user->message.bytes + user->message.token_at, user->token);
    user->request.want_local_port = w->options->trace && results->started < RESULTS_SAMPLES;
    results->started++;
    w->busy++;
    if (!client_start(w->client, &user->request))
        finish(user);
}

/* --- pace ------------------------------------------------------------------------------------------------------------------- */

static void set_wake(struct worker *w, uint64_t at_ns)
{
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at_ns / 1000000000u), .tv_nsec = (long)(at_ns % 1000000000u)}};
    if (at_ns == w->wake_ns || at_ns == SCHED_NEVER)
        return; /* one that comes for nothing does no harm */
    timerfd_settime(w->wake.fd, TFD_TIMER_ABSTIME, &when, NULL);
    w->wake_ns = at_ns;
}

/* Starts what is due. No more than there are users in one go: where each start fails at once, the loop must still run. */
static void run_due(struct worker *w, uint64_t now_ns)
{
    struct sched_start next;
    for (unsigned n = w->schedule->users; n && sched_take(w->sched, now_ns, &next); n--)
        start(w, &next);

    if (!sched_is_over(w->sched, now_ns)) {
        uint64_t at = sched_next_ns(w->sched);
        set_wake(w, at < w->schedule->end_ns ? at : w->schedule->end_ns);
    } else if (w->busy == 0) {
        ev_break(w->loop, EVBREAK_ALL);
    }
}

static void on_done(struct client_request *request)
{
    struct user *user = request->user;
    finish(user);
    run_due(user->worker, request->done_ns);
}

static void on_wake(struct ev_loop *loop, ev_io *io, int revents)
{
    struct worker *w = io->data;
    uint64_t times;
    (void)loop;
    (void)revents;
    if (read(io->fd, &times, sizeof times) < 0)
        return; /* set anew meanwhile */
    w->wake_ns = SCHED_NEVER;
    run_due(w, clock_now_ns());
}

/* --- watching itself -------------------------------------------------------------------------------------------------------- */

static void copy_pool_stats(struct worker *w)
{
    struct pool_stats stats;
    pool_stats_all(pool_ev_core(w->pool), &stats);
    memcpy(w->results->closed, stats.closed, sizeof stats.closed);
}

static void on_lag(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct worker *w = timer->data;
    uint64_t now = clock_now_ns();
    (void)loop;
    (void)revents;
    if (now > w->lag_due_ns && now - w->lag_due_ns > w->results->lag_max_ns)
        w->results->lag_max_ns = now - w->lag_due_ns;
    w->lag_due_ns = now + LAG_NS;
    copy_pool_stats(w); /* for the case that this worker dies */
}

static void on_signal(struct ev_loop *loop, ev_signal *signal, int revents)
{
    (void)signal;
    (void)revents;
    ev_break(loop, EVBREAK_ALL);
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static const struct http1_hooks hooks = {.body = keep_body};

static int init_user(struct worker *w, struct user *user)
{
    const struct load_options *o = w->options;
    const char *host = strncmp(o->url.key, "unix:", 5) == 0 ? "localhost" : o->url.key;
    if (!token_request_build(&user->message, host, o->url.target, o->fixed, o->no_pool && !o->close_first))
        return ENOMEM;
    user->worker = w;
    user->request = (struct client_request){
        .key = o->url.key, .key_bytes = strlen(o->url.key), .addr = &o->url.addr,
        .bytes = user->message.bytes, .byte_count = user->message.count, .closes = o->no_pool,
        .timeout_ns = o->timeout_ns, .hooks = o->fixed ? NULL : &hooks, .hooks_user = user,
        .done = on_done, .user = user};
    return 0;
}

static int init_parts(struct worker *w)
{
    const struct load_options *o = w->options;
    struct pool_config pool = {.size = o->pool_size, .idle_timeout_ns = o->idle_timeout_ns, .look_again_ns = 100000};
    struct client_config client = {0};

    w->loop = ev_loop_new(EVFLAG_AUTO);
    w->pool = w->loop ? pool_ev_new(w->loop, &pool) : NULL;
    w->client = w->pool ? client_new(w->loop, w->pool, &client) : NULL;
    w->sched = sched_new(w->schedule);
    w->users = calloc(w->schedule->users, sizeof w->users[0]);
    if (!w->client || !w->sched || !w->users)
        return ENOMEM;
    for (unsigned i = 0; i < w->schedule->users; i++)
        if (init_user(w, &w->users[i]) != 0)
            return ENOMEM;
    return 0;
}

static int init_watchers(struct worker *w)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    sigset_t signals;
    if (fd < 0)
        return errno;
    w->wake_ns = SCHED_NEVER;
    ev_io_init(&w->wake, on_wake, fd, EV_READ);
    ev_timer_init(&w->lag, on_lag, (double)LAG_NS / 1e9, (double)LAG_NS / 1e9);
    ev_signal_init(&w->interrupt, on_signal, SIGINT);
    ev_signal_init(&w->terminate, on_signal, SIGTERM);
    w->wake.data = w->lag.data = w;
    ev_io_start(w->loop, &w->wake);
    ev_timer_start(w->loop, &w->lag);
    ev_signal_start(w->loop, &w->interrupt);
    ev_signal_start(w->loop, &w->terminate);
    sigemptyset(&signals); /* the parent holds them back, to wait for them */
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    return 0;
}

static void cut_off(struct worker *w)
{
    for (unsigned i = 0; i < w->schedule->users; i++) {
        struct user *user = &w->users[i];
        if (!user->busy)
            continue;
        client_cancel(&user->request);
        results_record_use(w->results, &user->request);
    }
}

static void free_worker(struct worker *w)
{
    for (unsigned i = 0; w->users && i < w->schedule->users; i++)
        free(w->users[i].message.bytes);
    free(w->users);
    sched_free(w->sched);
    client_free(w->client);
    pool_ev_free(w->pool);
    if (w->wake.fd > 0)
        close(w->wake.fd);
    if (w->loop)
        ev_loop_destroy(w->loop);
}

int worker_run(const struct load_options *options, const struct sched_config *schedule, struct results *results)
{
    struct worker w = {.options = options, .schedule = schedule, .results = results};
    int err = init_parts(&w);
    if (!err)
        err = init_watchers(&w);
    if (!err) {
        w.lag_due_ns = clock_now_ns() + LAG_NS;
        set_wake(&w, schedule->start_ns);
        ev_run(w.loop, 0);
        results->ended_ns = clock_now_ns();
        results->unserved = sched_unserved(w.sched, results->ended_ns);
        cut_off(&w);
        pool_ev_stop(w.pool);
        copy_pool_stats(&w);
    }
    free_worker(&w);
    return err;
}
