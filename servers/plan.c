#include "plan.h"

#include "guess.h"
#include "options.h"
#include "registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct option plan_common_options[] = {
    OPTION(OPTION_COUNT, struct plan_common, body_bytes, "0", "pad each body with '.' to this length"),
    OPTION(OPTION_TEXT, struct plan_common, gate, "", "a gate at which each request waits for a permit"),
    OPTION(OPTION_BOOL, struct plan_common, keep_alive_header, "false", "say Connection: keep-alive where HTTP/1.1 need not"),
    {0},
};

int plan_add(struct plan *p, const char *name, char *err)
{
    const struct behaviour *b = registry_find(name, err);
    if (!b)
        return -1;
    struct plan_entry *entries = realloc(p->entries, (p->count + 1) * sizeof *entries);
    if (!entries)
        abort();
    p->entries = entries;
    struct plan_entry *e = &entries[p->count++];
    *e = (struct plan_entry){.behaviour = b, .repeat = 1, .options = calloc(1, b->options_bytes + 1)};
    if (!e->options)
        abort();
    options_init(b->options, e->options);
    options_init(plan_common_options, &e->common);
    return 0;
}

const struct option *plan_find_option(const struct plan_entry *e, const char *option)
{
    const struct option *o = options_find(e->behaviour->options, option);
    return o ? o : options_find(plan_common_options, option);
}

static void no_such_option(const struct plan_entry *e, const char *option, char *err)
{
    struct guess guess = {0};
    for (const struct option *o = e->behaviour->options; o && o->name; o++)
        guess_add(&guess, o->name);
    for (const struct option *o = plan_common_options; o->name; o++)
        guess_add(&guess, o->name);
    snprintf(err, OPTIONS_ERR_BYTES, "%s has no option \"%.100s\"", e->behaviour->name, option);
    guess_say(&guess, option, err, OPTIONS_ERR_BYTES, "--list names them all");
}

int plan_set(struct plan_entry *e, const char *option, const char *value, char *err)
{
    const struct option *own = options_find(e->behaviour->options, option);
    const struct option *common = options_find(plan_common_options, option);
    if (own)
        return options_set(own, e->options, value, err);
    if (common)
        return options_set(common, &e->common, value, err);
    no_such_option(e, option, err);
    return -1;
}

static int set_json(struct plan_entry *e, const char *option, const json_t *value, char *err)
{
    if (json_is_string(value))
        return plan_set(e, option, json_string_value(value), err);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    int failed = plan_set(e, option, text ? text : "", err);
    free(text);
    return failed;
}

int plan_add_json(struct plan *p, json_t *entry, char *err)
{
    const char *key, *name = json_string_value(json_object_get(entry, "name"));
    json_t *value;
    if (!name) {
        snprintf(err, OPTIONS_ERR_BYTES, "a behaviour is an object with a \"name\"");
        return -1;
    }
    if (plan_add(p, name, err) < 0)
        return -1;
    struct plan_entry *e = &p->entries[p->count - 1];
    json_object_foreach(entry, key, value) {
        if (strcmp(key, "repeat") == 0) {
            if (json_integer_value(value) < 1) {
                snprintf(err, OPTIONS_ERR_BYTES, "repeat is a whole number, 1 or more");
                return -1;
            }
            e->repeat = (uint64_t)json_integer_value(value);
        } else if (strcmp(key, "name") != 0 && set_json(e, key, value, err) < 0) {
            return -1;
        }
    }
    return 0;
}

void plan_free(struct plan *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct plan_entry *e = &p->entries[i];
        options_free(e->behaviour->options, e->options);
        options_free(plan_common_options, &e->common);
        free(e->options);
    }
    free(p->entries);
    *p = (struct plan){0};
}

const struct plan_entry *plan_next(struct plan *p)
{
    if (p->used == p->entries[p->at].repeat) {
        if (p->at + 1 < p->count) {
            p->at++;
            p->used = 0;
        } else if (p->cycle) {
            p->at = 0;
            p->used = 0;
        } else {
            return &p->entries[p->at]; /* the last repeats */
        }
    }
    p->used++;
    return &p->entries[p->at];
}
