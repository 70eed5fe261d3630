#include "registry.h"

#include "guess.h"
#include "options.h"
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker puts these around the section that BEHAVIOUR fills. */
extern const struct behaviour *const __start_behaviours[], *const __stop_behaviours[];

#define BEHAVIOURS_MAX 256

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct behaviour *const *)a)->name, (*(const struct behaviour *const *)b)->name);
}

const struct behaviour *registry_at(size_t i)
{
    static const struct behaviour *sorted[BEHAVIOURS_MAX + 1];
    if (!sorted[0]) {
        size_t count = (size_t)(__stop_behaviours - __start_behaviours);
        if (count > BEHAVIOURS_MAX)
            abort();
        memcpy(sorted, __start_behaviours, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, by_name);
    }
    return sorted[i];
}

const struct behaviour *registry_find(const char *name, char *err)
{
    struct guess guess = {0};
    const struct behaviour *b;
    for (size_t i = 0; (b = registry_at(i)); i++) {
        if (strcmp(b->name, name) == 0)
            return b;
        guess_add(&guess, b->name);
    }
    snprintf(err, OPTIONS_ERR_BYTES, "there is no behaviour \"%.100s\"", name);
    guess_say(&guess, name, err, OPTIONS_ERR_BYTES, "--list names them all");
    return NULL;
}

static json_t *describe_orders(const struct order *orders)
{
    json_t *list = json_array();
    for (const struct order *o = orders; o && o->name; o++)
        json_array_append_new(list, json_string(o->name));
    return list;
}

json_t *registry_describe(void)
{
    json_t *list = json_array();
    const struct behaviour *b;
    for (size_t i = 0; (b = registry_at(i)); i++) {
        json_t *options = options_describe(b->options);
        json_t *common = options_describe(plan_common_options);
        json_array_extend(options, common);
        json_decref(common);
        json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:o}", "name", b->name, "summary", b->summary, "options", options,
                                              "orders", describe_orders(b->orders)));
    }
    return list;
}
