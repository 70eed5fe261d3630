#include "serve.h"

#include "base/jsonl.h"
#include "listener.h"
#include "run.h"
#include "serve_help.h"
#include "serve_options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Nobody speaks to this server: its standard input may be anything. */
static void ignore_line(void *user, json_t *line) { (void)user, (void)line; }
static void ignore_bad(void *user, const char *why) { (void)user, (void)why; }
static void ignore_end(void *user) { (void)user; }

struct trace_files {
    int nothing, out; /* -1: not open */
};

static int open_trace(struct server *s, struct trace_files *files, const char *path, char *err)
{
    static const struct jsonl_handler handler = {.line = ignore_line, .bad = ignore_bad, .end = ignore_end};
    bool is_stdout = strcmp(path, "-") == 0;
    files->nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    files->out = is_stdout ? dup(STDOUT_FILENO) : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (files->nothing >= 0 && files->out >= 0)
        s->out = jsonl_new(s->loop, files->nothing, files->out, &handler, NULL);
    if (s->out)
        return 0;
    snprintf(err, OPTIONS_ERR_BYTES, "cannot write the trace %.200s: %s", path, strerror(errno));
    return -1;
}

static void close_trace(const struct trace_files *files)
{
    if (files->nothing >= 0)
        close(files->nothing);
    if (files->out >= 0)
        close(files->out);
}

/* One line on standard output; takes over `object`. */
static int print(json_t *object)
{
    int failed = json_dumpf(object, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF || fflush(stdout) == EOF;
    if (failed)
        fprintf(stderr, "serve: cannot write to standard output: %s\n", strerror(errno));
    json_decref(object);
    return failed ? -1 : 0;
}

static int print_address(const struct listener *l)
{
    char address[NET_TEXT_BYTES], url[NET_TEXT_BYTES + 16];
    net_format(&l->address, address);
    snprintf(url, sizeof url, "http://%s%s", address, net_port(&l->address) ? "/" : ":/");
    json_t *behaviours = json_array();
    for (size_t i = 0; i < l->plan.count; i++)
        json_array_append_new(behaviours, json_string(l->plan.entries[i].behaviour->name));
    return print(json_pack("{s:s, s:i, s:s, s:o}", "address", address, "port", (int)net_port(&l->address), "url", url,
                           "behaviours", behaviours));
}

static struct listener *start(struct server *s, struct serve_options *o, char *err)
{
    struct listener_config config = {
        .name = "origin",
        .address = o->address,
        .by_request = o->by_request,
        .level = o->trace ? RECORD_EVENTS : RECORD_TOTALS,
        .plan = o->plan,
    };
    o->plan = (struct plan){0}; /* the listener's now */
    return listener_new(s, &config, err);
}

/* Returns the exit status, with a sentence in err where that is 2. */
static int serve(struct server *s, struct serve_options *o, struct trace_files *files, char *err)
{
    struct run r;
    if (o->trace && open_trace(s, files, o->trace, err) < 0)
        return 2;
    run_start(&r, s, true);
    const struct listener *l = start(s, o, err);
    int status = !l ? 2 : print_address(l) < 0 ? 1 : 0;
    if (status == 0) {
        run_loop(&r);
        run_tell_books(&r);
        status = (s->out && jsonl_flush(s->out) < 0) || print(json_pack("{s:o}", "listeners", run_books(s))) < 0 || r.output_lost;
    }
    run_free(&r);
    return status;
}

int serve_main(struct server *s, int argc, char **argv)
{
    struct serve_options o;
    struct trace_files files = {-1, -1};
    char err[OPTIONS_ERR_BYTES];
    int status = 2;
    if (serve_options_parse(&o, argc, argv, err) == 0) {
        if (o.help)
            serve_help(&o.plan);
        status = o.help ? 0 : serve(s, &o, &files, err);
    }
    if (status == 2)
        fprintf(stderr, "serve: %s\n", err);
    serve_options_free(&o);
    close_trace(&files);
    return status;
}
