/* plan.h - which behaviour comes next: the list that a listener takes its behaviours from, one for each connection or one for
 * each request. The last repeats, unless the list is cycled. */
#ifndef PLAN_H
#define PLAN_H

#include "behaviour.h"

#include <jansson.h>

/* The options that every behaviour has. */
struct plan_common {
    uint64_t body_bytes;
    char *gate;
    bool keep_alive_header;
};
extern const struct option plan_common_options[];

struct plan_entry {
    const struct behaviour *behaviour;
    void *options; /* the behaviour's own struct */
    struct plan_common common;
    uint64_t repeat; /* so often in a row; at least 1 */
};

/* All zero is an empty plan. */
struct plan {
    struct plan_entry *entries;
    size_t count, at;
    uint64_t used; /* of entry `at` */
    bool cycle;
};

/* These return 0, or -1 with a sentence of OPTIONS_ERR_BYTES in err. The plan owns all it is given; free it in any case. */
int plan_add(struct plan *p, const char *name, char *err);
int plan_set(struct plan_entry *e, const char *option, const char *value, char *err);
int plan_add_json(struct plan *p, json_t *entry, char *err);
void plan_free(struct plan *p);

/* The option of that name, the behaviour's own or a common one; NULL: none. */
const struct option *plan_find_option(const struct plan_entry *e, const char *option);

/* The next of a plan that is not empty. It stays where it is as long as the plan lives. */
const struct plan_entry *plan_next(struct plan *p);

#endif
