#include "options.h"

#include "base/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX (1u << 30) /* enough for every count, and a body of that size still fits into memory */
#define MS_MAX 1e9

const struct option *options_find(const struct option *options, const char *name)
{
    for (const struct option *o = options; o && o->name; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

void options_flag(const struct option *option, char *flag)
{
    snprintf(flag, OPTIONS_FLAG_BYTES, "--%s", option->name);
    for (char *c = flag; *c; c++)
        if (*c == '_')
            *c = '-';
}

/* --- one reader for each type: from text to *to -------------------------------------------------------------------- */

static bool read_bool(void *to, const char *text)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return false;
    *(bool *)to = yes;
    return true;
}

static bool read_count(void *to, const char *text)
{
    uint64_t value;
    if (!words_number(text, 0, COUNT_MAX, &value))
        return false;
    *(uint64_t *)to = value;
    return true;
}

static bool read_ms(void *to, const char *text)
{
    double value;
    if (!words_decimal(text, &value) || value > MS_MAX)
        return false;
    *(double *)to = value;
    return true;
}

static bool read_limit(void *to, const char *text)
{
    uint64_t value;
    if (!*text)
        *(int64_t *)to = OPTION_UNSET;
    else if (strcmp(text, "-1") == 0)
        *(int64_t *)to = -1;
    else if (words_number(text, 0, COUNT_MAX, &value))
        *(int64_t *)to = (int64_t)value;
    else
        return false;
    return true;
}

static bool read_choice(void *to, const char *text, const char *choices)
{
    size_t bytes = strlen(text);
    for (unsigned i = 0; choices; i++) {
        const char *bar = strchr(choices, '|');
        size_t length = bar ? (size_t)(bar - choices) : strlen(choices);
        if (length == bytes && memcmp(choices, text, bytes) == 0) {
            *(unsigned *)to = i;
            return true;
        }
        choices = bar ? bar + 1 : NULL;
    }
    return false;
}

static bool read_text(void *to, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        return false;
    free(*(char **)to);
    *(char **)to = copy;
    return true;
}

static bool read_option(const struct option *o, void *to, const char *text)
{
    void *at = (char *)to + o->at;
    switch (o->type) {
    case OPTION_BOOL:
        return read_bool(at, text);
    case OPTION_COUNT:
        return read_count(at, text);
    case OPTION_MS:
        return read_ms(at, text);
    case OPTION_CHOICE:
        return read_choice(at, text, o->choices);
    case OPTION_TEXT:
        return read_text(at, text);
    case OPTION_LIMIT:
        return read_limit(at, text);
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------------------------- */

static const char *const type_names[] = {
    [OPTION_BOOL] = "bool", [OPTION_COUNT] = "count", [OPTION_MS] = "ms", [OPTION_CHOICE] = "choice", [OPTION_TEXT] = "text",
    [OPTION_LIMIT] = "limit",
};

static const char *const wanted[] = {
    [OPTION_BOOL] = "true or false",
    [OPTION_COUNT] = "a whole number from 0 to 1073741824",
    [OPTION_MS] = "a number of milliseconds, 0 or more",
    [OPTION_TEXT] = "a text",
    [OPTION_LIMIT] = "a whole number up to 1073741824, or -1 for no limit",
};

void options_init(const struct option *options, void *to)
{
    for (const struct option *o = options; o && o->name; o++)
        if (!read_option(o, to, o->initial))
            abort(); /* a default that its own type refuses: a mistake in the behaviour's source */
}

int options_set(const struct option *o, void *to, const char *text, char *err)
{
    if (read_option(o, to, text))
        return 0;
    const char *want = o->type == OPTION_CHOICE ? o->choices : wanted[o->type];
    snprintf(err, OPTIONS_ERR_BYTES, "%s is %s, not \"%.100s\"", o->name, want, text);
    return -1;
}

void options_free(const struct option *options, void *to)
{
    for (const struct option *o = options; o && o->name; o++)
        if (o->type == OPTION_TEXT)
            free(*(char **)((char *)to + o->at));
}

static json_t *initial_value(const struct option *o)
{
    switch (o->type) {
    case OPTION_BOOL:
        return json_boolean(strcmp(o->initial, "true") == 0);
    case OPTION_COUNT:
    case OPTION_MS:
        return json_loads(o->initial, JSON_DECODE_ANY, NULL);
    case OPTION_LIMIT:
        return *o->initial ? json_loads(o->initial, JSON_DECODE_ANY, NULL) : json_null();
    default:
        return json_string(o->initial);
    }
}

json_t *options_describe(const struct option *options)
{
    json_t *list = json_array();
    for (const struct option *o = options; o && o->name; o++) {
        json_t *one = json_pack("{s:s, s:s, s:o, s:s}", "name", o->name, "type", type_names[o->type], "default",
                                initial_value(o), "help", o->help);
        if (o->choices)
            json_object_set_new(one, "choices", json_string(o->choices));
        json_array_append_new(list, one);
    }
    return list;
}
