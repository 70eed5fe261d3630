/* server.c - the mock server: steered by a program (--control) or by hand (serve.h). */
#include "server.h"

#include "control.h"
#include "registry.h"
#include "serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* As many connections as this user may have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static int list_main(void)
{
    json_t *list = registry_describe();
    int failed = json_dumpf(list, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF || fflush(stdout) == EOF;
    json_decref(list);
    return failed;
}

int main(int argc, char **argv)
{
    struct server s = {0};
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list_main();
    s.loop = ev_default_loop(EVFLAG_AUTO);
    if (!s.loop) {
        fprintf(stderr, "server: no event loop can be had\n");
        return 3;
    }
    int status = argc == 2 && strcmp(argv[1], "--control") == 0 ? control_main(&s) : serve_main(&s, argc, argv);
    ev_loop_destroy(s.loop);
    return status;
}
