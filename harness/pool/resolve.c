#include "pool/resolve.h"

#include <ares.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define TRY_MS 2000 /* c-ares's own timeout of one try; the connect timeout of the asking ticket counts over all */
#define TRIES 3

struct watch {
    struct watch *next;
    struct resolver *resolver;
    ev_io io;
};

struct resolver {
    struct ev_loop *loop;
    ares_channel channel;
    struct watch *watches; /* one for each socket of c-ares */
    ev_timer timer;
};

/* What c-ares holds on to: it calls back even after a cancel, when the query may be gone. */
struct resolve_call {
    struct resolve_query *query; /* NULL: cancelled */
    unsigned port;
    char name[];
};

/* --- c-ares on libev ------------------------------------------------------------------------------------------------------ */

static void set_timer(struct resolver *r)
{
    struct timeval left;
    ev_timer_stop(r->loop, &r->timer);
    if (!ares_timeout(r->channel, NULL, &left))
        return;
    ev_timer_set(&r->timer, (double)left.tv_sec + (double)left.tv_usec / 1e6, 0);
    ev_timer_start(r->loop, &r->timer);
}

static void on_io(struct ev_loop *loop, ev_io *io, int revents)
{
    const struct watch *w = io->data;
    struct resolver *r = w->resolver;
    (void)loop;
    ares_process_fd(r->channel, revents & EV_READ ? io->fd : ARES_SOCKET_BAD, revents & EV_WRITE ? io->fd : ARES_SOCKET_BAD);
    set_timer(r);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct resolver *r = timer->data;
    (void)loop;
    (void)revents;
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timer(r);
}

/* c-ares tells which of its sockets it wants to hear of; neither reading nor writing: it is about to close it. */
static void on_socket(void *user, ares_socket_t fd, int readable, int writable)
{
    struct resolver *r = user;
    struct watch **at = &r->watches, *w;
    while (*at && (*at)->io.fd != fd)
        at = &(*at)->next;
    w = *at;
    if (w)
        ev_io_stop(r->loop, &w->io);
    if (!readable && !writable) {
        if (w) {
            *at = w->next;
            free(w);
        }
        return;
    }
    if (!w) {
        w = calloc(1, sizeof *w);
        if (!w)
            return; /* the query runs into its timeout */
        w->resolver = r;
        w->next = r->watches;
        r->watches = w;
        ev_init(&w->io, on_io);
        w->io.data = w;
    }
    ev_io_set(&w->io, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    ev_io_start(r->loop, &w->io);
}

struct resolver *resolver_new(struct ev_loop *loop, const char *servers)
{
    struct resolver *r = calloc(1, sizeof *r);
    struct ares_options options = {.sock_state_cb = on_socket, .sock_state_cb_data = r, .timeout = TRY_MS, .tries = TRIES};
    if (!r)
        return NULL;
    r->loop = loop;
    ev_init(&r->timer, on_timer);
    r->timer.data = r;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
        ares_init_options(&r->channel, &options, ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS) {
        free(r);
        return NULL;
    }
    if (servers && ares_set_servers_ports_csv(r->channel, servers) != ARES_SUCCESS) {
        resolver_free(r);
        return NULL;
    }
    return r;
}

void resolver_free(struct resolver *r)
{
    if (!r)
        return;
    ares_destroy(r->channel);
    ev_timer_stop(r->loop, &r->timer);
    ares_library_cleanup();
    free(r);
}

/* --- queries ---------------------------------------------------------------------------------------------------------------- */

static void take_addresses(struct resolve_query *query, const struct ares_addrinfo *info, unsigned port)
{
    for (const struct ares_addrinfo_node *node = info->nodes; node && query->count < RESOLVE_ADDRS_MAX; node = node->ai_next) {
        struct net_addr *addr = &query->addr[query->count];
        if (node->ai_addrlen > sizeof addr->sa)
            continue;
        memset(addr, 0, sizeof *addr);
        memcpy(&addr->sa, node->ai_addr, node->ai_addrlen);
        addr->len = node->ai_addrlen;
        net_set_port(addr, port);
        query->count++;
    }
}

/* The numbers and words of nginx's resolver. */
static void say_why(struct resolve_query *query, const char *name, int status)
{
    static const struct {
        int status, number;
        const char *words;
    } known[] = {{ARES_ENOTFOUND, 3, "Host not found"}, {ARES_ENODATA, 3, "Host not found"},
                 {ARES_ESERVFAIL, 2, "Server failure"}, {ARES_ETIMEOUT, 110, "Operation timed out"},
                 {ARES_EREFUSED, 5, "Operation refused"}, {ARES_EFORMERR, 1, "Format error"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].status == status) {
            snprintf(query->why, sizeof query->why, "%.80s could not be resolved (%d: %s)", name, known[i].number, known[i].words);
            return;
        }
    }
    snprintf(query->why, sizeof query->why, "%.80s could not be resolved (%s)", name, ares_strerror(status));
}

static void on_answer(void *user, int status, int timeouts, struct ares_addrinfo *info)
{
    struct resolve_call *call = user;
    struct resolve_query *query = call->query;
    (void)timeouts;
    if (query) {
        query->call = NULL;
        query->count = 0;
        if (status == ARES_SUCCESS)
            take_addresses(query, info, call->port);
        if (query->count == 0)
            say_why(query, call->name, status == ARES_SUCCESS ? ARES_ENODATA : status);
    }
    if (info)
        ares_freeaddrinfo(info);
    free(call);
    if (query)
        query->done(query);
}

void resolve_start(struct resolver *r, struct resolve_query *query, const char *name, unsigned port)
{
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct resolve_call *call = calloc(1, sizeof *call + strlen(name) + 1);
    if (!call) {
        query->count = 0;
        snprintf(query->why, sizeof query->why, "no memory");
        query->done(query);
        return;
    }
    call->query = query;
    call->port = port;
    memcpy(call->name, name, strlen(name) + 1);
    query->call = call;
    ares_getaddrinfo(r->channel, call->name, NULL, &hints, on_answer, call);
    set_timer(r);
}

void resolve_cancel(struct resolve_query *query)
{
    if (query->call)
        query->call->query = NULL;
    query->call = NULL;
}
