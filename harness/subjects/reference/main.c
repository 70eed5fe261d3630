/* The reference pool as a subject: the protocol on standard input and output. */
#include "subjects/reference/adapter.h"
#include "subjects/reference/router.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct program {
    struct ev_loop *loop;
    struct jsonl *lines;
    struct adapter *adapter;
    struct router *router; /* NULL: one worker, this process */
    bool may_fork;
};

static bool is_op(const json_t *command, const char *op)
{
    const char *name = json_string_value(json_object_get(command, "op"));
    return name && strcmp(name, op) == 0;
}

static void start_workers(struct program *p, json_t *command)
{
    json_int_t workers = json_integer_value(json_object_get(command, "workers"));
    jsonl_flush(p->lines); /* or each child would write it again */
    p->router = router_new(p->loop, p->lines, (unsigned)workers, command);
    if (!p->router) {
        char why[128];
        snprintf(why, sizeof why, "the workers could not be started: %s", strerror(errno));
        adapter_protocol_error(p->lines, json_object_get(command, "id"), why);
    }
}

static void on_line(void *user, json_t *command)
{
    struct program *p = user;
    if (is_op(command, "quit")) {
        jsonl_write(p->lines, json_pack("{s:O?,s:b}", "id", json_object_get(command, "id"), "ok", 1));
        ev_break(p->loop, EVBREAK_ALL);
    } else if (p->router) {
        router_command(p->router, command);
    } else if (p->may_fork && is_op(command, "configure") && adapter_is_fresh(p->adapter) &&
               json_integer_value(json_object_get(command, "workers")) > 1) {
        start_workers(p, command);
    } else {
        adapter_command(p->adapter, command);
    }
}

static void on_bad_line(void *user, const char *why)
{
    struct program *p = user;
    adapter_protocol_error(p->lines, NULL, why);
}

static void on_end(void *user)
{
    struct program *p = user;
    ev_break(p->loop, EVBREAK_ALL);
}

static const struct jsonl_handler handler = {.line = on_line, .bad = on_bad_line, .end = on_end};

static void say_hello(struct jsonl *lines)
{
    static const char *const features[] = {"pool_name", "pool_size", "backlog", "unix", "reused_times", "idle_timeout",
                                           "max_idle", "batch", "stats", "workers", "cancel", "stop", "resolver",
                                           "tcp_keepalive"};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        json_array_append_new(list, json_string(features[i]));
    jsonl_write(lines, json_pack("{s:s,s:s,s:s,s:[ss],s:o}", "protocol", "subject/1", "name", "reference", "version",
                                 POOLSPEC_VERSION, "level", "socket", "request", "features", list));
}

static int run(int in, int out, bool is_main)
{
    struct program p = {.loop = ev_loop_new(EVFLAG_AUTO), .may_fork = is_main};
    p.lines = p.loop ? jsonl_new(p.loop, in, out, &handler, &p) : NULL;
    p.adapter = p.lines ? adapter_new(p.loop, p.lines) : NULL;
    int status = p.adapter ? 0 : 1;
    if (p.adapter && is_main)
        say_hello(p.lines);
    if (p.adapter)
        ev_run(p.loop, 0);
    else
        fprintf(stderr, "reference: neither memory nor descriptors to start with\n");
    if (p.router)
        status = router_free(p.router);
    adapter_free(p.adapter);
    jsonl_free(p.lines);
    if (p.loop)
        ev_loop_destroy(p.loop);
    return status;
}

int worker_run(int in, int out)
{
    return run(in, out, false);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        printf("usage: %s\n"
               "The reference pool as a subject of poolspec: speaks the subject protocol, one JSON object a line, on standard\n"
               "input and output.  Try:  {\"id\":1,\"op\":\"connect\",\"sock\":\"a\",\"host\":\"127.0.0.1\",\"port\":8080}\n",
               argv[0]);
        return strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    signal(SIGPIPE, SIG_IGN);
    return run(STDIN_FILENO, STDOUT_FILENO, true);
}
