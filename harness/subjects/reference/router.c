#include "subjects/reference/router.h"

#include "subjects/reference/adapter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MAX 64u

struct worker {
    struct router *router;
    pid_t pid;
    int fd;
    struct jsonl *lines;
    bool is_quiet; /* its answer to configure is not passed on */
};

struct router {
    struct ev_loop *loop;
    struct jsonl *replies;
    bool is_broken; /* a worker's reply was lost */
    json_t *home;   /* socket label -> index of its worker */
    unsigned count;
    struct worker workers[WORKERS_MAX];
};

static void on_reply(void *user, json_t *reply)
{
    struct worker *w = user;
    if (w->is_quiet)
        w->is_quiet = false;
    else
        jsonl_write(w->router->replies, json_incref(reply));
}

/* Somebody would wait for a reply that never comes. */
static void on_bad_reply(void *user, const char *why)
{
    struct router *r = ((struct worker *)user)->router;
    fprintf(stderr, "reference: a worker wrote a line that is no reply: %s\n", why);
    r->is_broken = true;
    ev_break(r->loop, EVBREAK_ALL);
}

static void on_worker_end(void *user)
{
    struct worker *w = user;
    fprintf(stderr, "reference: worker %d (process %d) has ended\n", (int)(w - w->router->workers), (int)w->pid);
    ev_break(w->router->loop, EVBREAK_ALL);
}

static const struct jsonl_handler replies_of_worker = {.line = on_reply, .bad = on_bad_reply, .end = on_worker_end};

/* In the child: nothing of the parent's but one end of the pair. */
static _Noreturn void be_worker(const struct router *r, int fd)
{
    for (unsigned i = 0; i < r->count; i++)
        close(r->workers[i].fd);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    exit(worker_run(fd, fd));
}

static bool start_worker(struct router *r, json_t *configure)
{
    int pair[2];
    struct worker *w = &r->workers[r->count];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return false;
    w->pid = fork();
    if (w->pid == 0) {
        close(pair[0]);
        be_worker(r, pair[1]);
    }
    int err = errno;
    close(pair[1]);
    if (w->pid < 0) {
        close(pair[0]);
        errno = err;
        return false;
    }
    w->router = r;
    w->fd = pair[0];
    w->is_quiet = r->count > 0;
    w->lines = jsonl_new(r->loop, w->fd, w->fd, &replies_of_worker, w);
    r->count++;
    if (!w->lines)
        return false;
    jsonl_write(w->lines, json_incref(configure));
    return true;
}

struct router *router_new(struct ev_loop *loop, struct jsonl *replies, unsigned workers, json_t *configure)
{
    struct router *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->loop = loop;
    r->replies = replies;
    r->home = json_object();
    json_t *for_each = json_deep_copy(configure);
    json_object_del(for_each, "workers");
    while (r->count < workers && r->count < WORKERS_MAX) {
        if (!start_worker(r, for_each)) {
            int err = errno;
            json_decref(for_each);
            router_free(r);
            errno = err;
            return NULL;
        }
    }
    json_decref(for_each);
    return r;
}

int router_free(struct router *r)
{
    int failed = r->is_broken;
    for (unsigned i = 0; i < r->count; i++) {
        int status;
        jsonl_free(r->workers[i].lines);
        close(r->workers[i].fd);
        pid_t ended;
        while ((ended = waitpid(r->workers[i].pid, &status, 0)) < 0 && errno == EINTR)
            continue;
        if (ended > 0 && status != 0)
            failed = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    json_decref(r->home);
    free(r);
    return failed;
}

/* A batch goes where the socket of its first command is. */
static const json_t *first_with_socket(const json_t *command)
{
    const json_t *commands = json_object_get(command, "commands"), *inner;
    size_t i;
    if (json_is_string(json_object_get(command, "sock")))
        return command;
    json_array_foreach(commands, i, inner) if (json_is_string(json_object_get(inner, "sock"))) return inner;
    return command;
}

void router_command(struct router *r, json_t *command)
{
    const json_t *decides = first_with_socket(command);
    const char *label = json_string_value(json_object_get(decides, "sock"));
    const json_t *named = json_object_get(decides, "worker");
    const json_t *known = label ? json_object_get(r->home, label) : NULL;
    json_int_t worker = named ? json_integer_value(named) : known ? json_integer_value(known) : 0;
    json_t *id = json_object_get(command, "id");

    if ((named && !json_is_integer(named)) || worker < 0 || worker >= r->count) {
        adapter_protocol_error(r->replies, id, "there is no such `worker`");
    } else if (known && worker != json_integer_value(known)) {
        adapter_protocol_error(r->replies, id, "that `sock` lives in another worker");
    } else {
        if (label)
            json_object_set_new(r->home, label, json_integer(worker));
        jsonl_write(r->workers[worker].lines, json_incref(command));
    }
}
