#include "listener.h"

#include "conn.h"
#include "guess.h"
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
#define ACCEPTS_AT_ONCE 64 /* then the others get their turn */
#define PAUSE_S 0.05

static bool is_unix(const struct listener *l) { return l->address.sa.ss_family == AF_UNIX; }

/* --- accepting ----------------------------------------------------------------------------------------------------- */

/* The waiting client keeps the socket readable, so without a pause the loop would spin until a descriptor is free. */
static void pause_accepting(struct listener *l)
{
    if (!l->short_of_descriptors)
        fprintf(stderr, "server: \"%s\" lets clients wait: %s\n", l->name, strerror(errno));
    l->short_of_descriptors = true;
    ev_io_stop(l->server->loop, &l->acceptable);
    ev_timer_set(&l->pause, PAUSE_S, 0);
    ev_timer_start(l->server->loop, &l->pause);
}

static bool is_full(const struct listener *l) { return l->capacity.open && l->record.open >= l->capacity.open; }

static void accept_where_it_may(struct listener *l)
{
    bool may = l->fd >= 0 && !l->paused && !l->full;
    if (may && !ev_is_active(&l->pause))
        ev_io_start(l->server->loop, &l->acceptable);
    else
        ev_io_stop(l->server->loop, &l->acceptable);
}

static void on_pause_over(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    accept_where_it_may(timer->data);
}

void listener_conn_gone(struct listener *l)
{
    if (l->paused && l->record.open == 0)
        listener_stop(l);
    if (!l->full || is_full(l))
        return;
    l->full = false;
    accept_where_it_may(l);
}

static void on_acceptable(struct ev_loop *loop, ev_io *io, int revents)
{
    struct listener *l = io->data;
    struct net_addr peer;
    (void)loop;
    (void)revents;
    for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
        if (is_full(l)) {
            l->full = true;
            accept_where_it_may(l);
            return;
        }
        int fd = net_accept(l->fd, &peer);
        if (fd >= 0) {
            l->short_of_descriptors = false;
            conn_new(l, fd, net_port(&peer));
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_accepting(l);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

/* --- beginning and end --------------------------------------------------------------------------------------------- */

static int check_plan(const struct listener *l, char *err)
{
    if (l->plan.count == 0) {
        snprintf(err, OPTIONS_ERR_BYTES, "a listener needs at least one behaviour");
        return -1;
    }
    for (size_t i = 0; i < l->plan.count; i++) {
        const struct behaviour *b = l->plan.entries[i].behaviour;
        if (b->resets && is_unix(l)) {
            snprintf(err, OPTIONS_ERR_BYTES, "%s needs TCP: a unix socket knows no RST", b->name);
            return -1;
        }
        if ((b->accepted || b->head) && l->by_request) {
            snprintf(err, OPTIONS_ERR_BYTES, "%s acts before any request: it cannot be chosen by request", b->name);
            return -1;
        }
    }
    return 0;
}

static void say_why_not(const struct listener *l, const char *address, char *err)
{
    int why = errno;
    if (why == EINVAL)
        snprintf(err, OPTIONS_ERR_BYTES, "\"%.200s\" is no address: 127.0.0.1:0, [::1]:0 and unix:/path are", address);
    else if (why == EADDRINUSE && is_unix(l))
        snprintf(err, OPTIONS_ERR_BYTES, "%.200s exists already", address);
    else if (why == EADDRINUSE)
        snprintf(err, OPTIONS_ERR_BYTES, "%.200s is in use; port 0 is any that is free", address);
    else
        snprintf(err, OPTIONS_ERR_BYTES, "cannot listen on %.200s: %s", address, strerror(why));
}

/* That of the first behaviour is the listener's. */
static void ask_capacity(struct listener *l)
{
    const struct plan_entry *first = l->plan.entries;
    if (l->plan.count && first->behaviour->capacity)
        first->behaviour->capacity(first->options, &l->capacity);
}

static int start_listening(struct listener *l, const char *address, char *err)
{
    int backlog = l->capacity.backlog ? (int)l->capacity.backlog : BACKLOG;
    if (net_parse(&l->address, address) < 0 || (l->fd = net_listen(&l->address, backlog)) < 0) {
        say_why_not(l, address, err);
        return -1;
    }
    if (l->capacity.send_buffer_bytes) /* inherited by what is accepted */
        net_set_send_buffer(l->fd, l->capacity.send_buffer_bytes);
    if (!is_unix(l))
        net_local(l->fd, &l->address);
    ev_io_init(&l->acceptable, on_acceptable, l->fd, EV_READ);
    ev_timer_init(&l->pause, on_pause_over, PAUSE_S, 0);
    l->acceptable.data = l->pause.data = l;
    ev_io_start(l->server->loop, &l->acceptable);
    return 0;
}

struct listener *listener_new(struct server *s, const struct listener_config *config, char *err)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l || !(l->name = strdup(config->name)))
        abort();
    l->server = s;
    l->fd = -1;
    l->by_request = config->by_request;
    l->plan = config->plan;
    l->record = (struct record){.listener = l->name, .level = config->level, .out = s->out};
    LIST_INIT(&l->conns);
    ask_capacity(l);
    SLIST_INSERT_HEAD(&s->listeners, l, link);
    if (start_listening(l, config->address, err) < 0 || check_plan(l, err) < 0) {
        listener_free(l);
        return NULL;
    }
    return l;
}

struct listener *listener_find(struct server *s, const char *name)
{
    struct listener *l;
    SLIST_FOREACH(l, &s->listeners, link)
        if (strcmp(l->name, name) == 0)
            return l;
    return NULL;
}

/* --- orders -------------------------------------------------------------------------------------------------------- */

static const struct order *find_order(const struct behaviour *b, const char *name)
{
    for (const struct order *o = b->orders; o && o->name; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

/* The order as the first behaviour in the plan has it that has it. */
static const struct order *order_of(const struct listener *l, const char *name, char *err)
{
    struct guess guess = {0};
    for (size_t i = 0; i < l->plan.count; i++) {
        const struct behaviour *b = l->plan.entries[i].behaviour;
        const struct order *order = find_order(b, name);
        if (order)
            return order;
        for (const struct order *o = b->orders; o && o->name; o++)
            guess_add(&guess, o->name);
    }
    snprintf(err, OPTIONS_ERR_BYTES, "nothing that \"%.100s\" serves can be told to \"%.100s\"", l->name, name);
    guess_say(&guess, name, err, OPTIONS_ERR_BYTES, "nginx and tomcat can be told something");
    return NULL;
}

int listener_order(struct listener *l, const char *name, char *err)
{
    const struct order *order = order_of(l, name, err);
    struct conn *next;
    if (!order)
        return -1;
    if (order->then == ORDER_UNLISTEN)
        listener_stop(l);
    l->paused |= order->then == ORDER_PAUSE;
    accept_where_it_may(l);
    for (struct conn *c = LIST_FIRST(&l->conns); c; c = next) {
        next = LIST_NEXT(c, link);
        const struct order *own = c->entry ? find_order(c->entry->behaviour, name) : NULL;
        if (own && !c->page.end)
            c->entry->behaviour->ordered(c, own);
        conn_settle(c);
    }
    listener_conn_gone(l);
    return 0;
}

/* --- the end ------------------------------------------------------------------------------------------------------- */

void listener_stop(struct listener *l)
{
    if (l->fd < 0)
        return;
    int waiting = is_unix(l) ? 0 : net_waiting(l->fd);
    if (waiting > 0)
        record_abandoned(&l->record, (unsigned)waiting);
    ev_io_stop(l->server->loop, &l->acceptable);
    ev_timer_stop(l->server->loop, &l->pause);
    close(l->fd);
    l->fd = -1;
    if (is_unix(l))
        unlink(((const struct sockaddr_un *)&l->address.sa)->sun_path);
}

void listener_free(struct listener *l)
{
    listener_stop(l);
    while (!LIST_EMPTY(&l->conns))
        conn_free(LIST_FIRST(&l->conns));
    SLIST_REMOVE(&l->server->listeners, l, listener, link);
    plan_free(&l->plan);
    record_free(&l->record);
    free(l->name);
    free(l);
}
