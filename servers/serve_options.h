/* serve_options.h - the command line of `serve`. */
#ifndef SERVE_OPTIONS_H
#define SERVE_OPTIONS_H

#include "options.h"
#include "plan.h"

#include <stdbool.h>

struct serve_options {
    struct plan plan;
    char *address;     /* owned */
    bool by_request;
    const char *trace; /* a path, "-" for standard output; NULL: none. Borrowed from argv */
    bool help;
};

/* Returns 0, or -1 with a sentence in err. Free o in either case. */
int serve_options_parse(struct serve_options *o, int argc, char **argv, char *err);
void serve_options_free(struct serve_options *o);

#endif
