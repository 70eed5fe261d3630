#include "serve_help.h"

#include "options.h"
#include "registry.h"

#include <stdio.h>

static void help_on_options(const struct option *options)
{
    for (const struct option *o = options; o && o->name; o++) {
        char flag[OPTIONS_FLAG_BYTES];
        options_flag(o, flag);
        printf("      %-20s %s (%s%s%s)\n", flag, o->help, o->choices ? o->choices : "", o->choices ? "; " : "",
               *o->initial ? o->initial : "none");
    }
}

static void help_on_behaviour(const struct behaviour *b)
{
    printf("  %-22s %s\n", b->name, b->summary);
    help_on_options(b->options);
}

static void help_on_all(void)
{
    const struct behaviour *b;
    printf("./run.sh serve BEHAVIOUR[,BEHAVIOUR]... [--port N|--unix PATH|--ipv6] [--on connection|request] [--cycle]\n"
           "               [--OPTION VALUE]... [--trace FILE]\n\n"
           "An HTTP server that misbehaves on purpose. It prints one line of JSON with its address and serves until Ctrl-C,\n"
           "then it prints its books: what it saw and what it did.\n\n"
           "  ./run.sh serve close-idle --after-ms 500 --port 8080     closes each connection that idles for half a second\n"
           "  ./run.sh serve 'ok*9,reset-idle' --cycle                 resets every tenth connection\n"
           "  ./run.sh serve ok,stray-glued --what 200 --on request    one good answer, then a forged one behind each\n"
           "  ./run.sh serve slow --delay-ms 2000 --trace -            tells each event as it happens\n"
           "  ./run.sh serve stall --help                              one behaviour's options\n\n"
           "The first connection gets the first behaviour, the second the second; the last repeats, or --cycle starts again.\n"
           "With --on request it is the requests that are counted, over all connections.\n\n"
           "  --port N     the port on 127.0.0.1; without it the kernel chooses a free one\n"
           "  --unix PATH  a unix socket instead; the path must be free, and is removed at the end\n"
           "  --ipv6       listen on [::1]\n"
           "  --trace FILE each event as a line of JSON; - is standard output\n\nBehaviours and their options (defaults):\n");
    for (size_t i = 0; (b = registry_at(i)); i++)
        help_on_behaviour(b);
    printf("\nEvery behaviour has these:\n");
    help_on_options(plan_common_options);
}

void serve_help(const struct plan *plan)
{
    if (plan->count == 0)
        help_on_all();
    for (size_t i = 0; i < plan->count; i++)
        help_on_behaviour(plan->entries[i].behaviour);
    if (plan->count)
        help_on_options(plan_common_options);
}
