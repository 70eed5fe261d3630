/* options.h - the command line of the load generator. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "client/url.h"

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_WORKERS_MAX 256
#define OPTIONS_ERROR_BYTES 512

struct load_options {
    const char *url_text;
    struct url url;
    unsigned users, workers;
    uint64_t duration_ns;       /* 0: no end but `requests` */
    uint64_t requests;          /* 0: no limit but the duration */
    double rate;                /* 0: closed loop */
    unsigned pool_size;
    uint64_t idle_timeout_ns;   /* POOL_UNLIMITED: none */
    uint64_t think_min_ns, think_max_ns;
    uint64_t pause_ns, pause_every; /* 0: none */
    uint64_t timeout_ns;        /* of one request */
    uint64_t seed;
    bool no_pool, fixed, quiet;
    bool close_first;           /* with no_pool: the request does not say that it is the connection's last */
    const char *json;           /* file, "-" for standard output, or NULL */
    const char *out;            /* folder, or NULL */
    const char *trace;          /* file, or NULL */
};

enum options_result { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_BAD };

/* Strings stay argv's. BAD: `error` (OPTIONS_ERROR_BYTES) holds one sentence, without a line end. */
enum options_result options_parse(struct load_options *o, int argc, char *const argv[], char *error);

/* What --help prints. */
void options_help(void);

#endif
