#include "run.h"

#include "base/clock.h"
#include "conn.h"
#include "listener.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LAG_TIMER_S 0.01

static void on_signal(struct ev_loop *loop, ev_signal *signal, int revents)
{
    struct run *r = signal->data;
    (void)revents;
    r->end = RUN_SIGNAL;
    ev_break(loop, EVBREAK_ALL);
}

static void on_lag_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct run *r = timer->data;
    uint64_t now = clock_now_ns();
    (void)loop;
    (void)revents;
    if (now > r->expected_ns && now - r->expected_ns > r->lag_ns)
        r->lag_ns = now - r->expected_ns;
    r->expected_ns = now + (uint64_t)(LAG_TIMER_S * 1e9);
}

static void forget_output(struct server *s)
{
    struct listener *l;
    SLIST_FOREACH(l, &s->listeners, link)
        l->record.out = NULL;
    jsonl_free(s->out);
    s->out = NULL;
}

/* What the last turn wrote has to be out before the loop waits; that is also when a reader that has gone is noticed. */
static void on_before_wait(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    struct run *r = prepare->data;
    (void)revents;
    if (!r->server->out || jsonl_flush(r->server->out) == 0)
        return;
    r->lost_errno = errno;
    r->output_lost = true;
    if (r->keep_serving) {
        fprintf(stderr, "server: the trace ends here, the server goes on: %s\n", strerror(errno));
        forget_output(r->server);
        return;
    }
    r->end = RUN_OUTPUT_LOST;
    ev_break(loop, EVBREAK_ALL);
}

void run_start(struct run *r, struct server *s, bool keep_serving)
{
    *r = (struct run){.server = s, .keep_serving = keep_serving, .end = RUN_STOPPED};
    ev_signal_init(&r->interrupted, on_signal, SIGINT);
    ev_signal_init(&r->terminated, on_signal, SIGTERM);
    ev_timer_init(&r->lag, on_lag_timer, LAG_TIMER_S, LAG_TIMER_S);
    ev_prepare_init(&r->before_wait, on_before_wait);
    r->interrupted.data = r->terminated.data = r->lag.data = r->before_wait.data = r;
    ev_signal_start(s->loop, &r->interrupted);
    ev_signal_start(s->loop, &r->terminated);
    ev_prepare_start(s->loop, &r->before_wait);
}

enum run_end run_loop(struct run *r)
{
    if (r->server->out) { /* where nobody is told, there is no need to wake up */
        r->expected_ns = clock_now_ns() + (uint64_t)(LAG_TIMER_S * 1e9);
        ev_now_update(r->server->loop);
        ev_timer_start(r->server->loop, &r->lag);
    }
    ev_run(r->server->loop, 0);
    errno = r->lost_errno;
    return r->end;
}

void run_tell_books(const struct run *r)
{
    struct server *s = r->server;
    struct listener *l;
    struct conn *c;
    if (!s->out)
        return;
    SLIST_FOREACH(l, &s->listeners, link) {
        record_tell_closed(&l->record);
        LIST_FOREACH(c, &l->conns, link)
            record_tell_page(&c->page);
    }
    jsonl_write(s->out, json_pack("{s:I, s:s, s:s, s:f}", "t", (json_int_t)clock_now_ns(), "who", "server", "ev", "lag",
                                  "max_ms", (double)(r->lag_ns / 1000) / 1e3));
}

void run_free(struct run *r)
{
    struct server *s = r->server;
    ev_prepare_stop(s->loop, &r->before_wait);
    ev_timer_stop(s->loop, &r->lag);
    ev_signal_stop(s->loop, &r->terminated);
    ev_signal_stop(s->loop, &r->interrupted);
    forget_output(s); /* what follows is no event of the connections' own */
    while (!SLIST_EMPTY(&s->listeners))
        listener_free(SLIST_FIRST(&s->listeners));
    gates_free(&s->gates);
}

json_t *run_books(const struct server *s)
{
    struct listener *l;
    json_t *books = json_object();
    SLIST_FOREACH(l, &s->listeners, link)
        json_object_set_new(books, l->name, record_books(&l->record));
    return books;
}
