#include "serve_options.h"

#include "base/words.h"
#include "guess.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was said, before it is known to make sense. */
struct said {
    const char *behaviours, *port, *unix_path, *on, *trace;
    bool ipv6, cycle, help;
    struct {
        const char *name, *value;
    } options[64]; /* of behaviours */
    size_t option_count;
};

static const struct flag {
    const char *name;
    size_t at; /* in struct said: a text where it takes a value, else a bool */
    bool takes_value;
} flags[] = {
    {"--port", offsetof(struct said, port), true},     {"--unix", offsetof(struct said, unix_path), true},
    {"--on", offsetof(struct said, on), true},         {"--trace", offsetof(struct said, trace), true},
    {"--ipv6", offsetof(struct said, ipv6), false},    {"--cycle", offsetof(struct said, cycle), false},
    {"--help", offsetof(struct said, help), false},    {"-h", offsetof(struct said, help), false},
};

#define FLAG_COUNT (sizeof flags / sizeof *flags)

__attribute__((format(printf, 2, 3))) static int wrong(char *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err, OPTIONS_ERR_BYTES, format, args);
    va_end(args);
    return -1;
}

/* --- reading the words --------------------------------------------------------------------------------------------- */

/* Splits "--name=value" in place. */
static char *split_value(char *word)
{
    char *equals = strchr(word, '=');
    if (equals)
        *equals++ = '\0';
    return equals;
}

static int read_flag(struct said *said, const struct flag *f, const char *value, char *err)
{
    if (f->takes_value && !value)
        return wrong(err, "%s needs a value", f->name);
    if (!f->takes_value && value)
        return wrong(err, "%s takes no value", f->name);
    if (f->takes_value)
        *(const char **)((char *)said + f->at) = value;
    else
        *(bool *)((char *)said + f->at) = true;
    return 0;
}

static int read_behaviour_option(struct said *said, const char *name, const char *value, char *err)
{
    if (said->option_count == sizeof said->options / sizeof *said->options)
        return wrong(err, "these are too many options");
    said->options[said->option_count].name = name;
    said->options[said->option_count++].value = value;
    return 0;
}

static const struct flag *find_flag(const char *name)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (strcmp(flags[i].name, name) == 0)
            return &flags[i];
    return NULL;
}

static int read_words(struct said *said, int argc, char **argv, char *err)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (word[0] != '-' && said->behaviours)
            return wrong(err, "\"%.100s\" is one word too many: several behaviours are joined by commas", word);
        if (word[0] != '-') {
            said->behaviours = word;
            continue;
        }
        const char *value = split_value(argv[i]);
        const struct flag *f = find_flag(word);
        bool takes_value = !f || f->takes_value;
        if (takes_value && !value && i + 1 < argc && strncmp(argv[i + 1], "--", 2) != 0)
            value = argv[++i];
        if (f ? read_flag(said, f, value, err) : read_behaviour_option(said, word, value, err))
            return -1;
    }
    return 0;
}

/* --- making sense of them ------------------------------------------------------------------------------------------ */

/* "ok*9,close-idle": nine connections (or requests), then the other. */
static int add_behaviour(struct plan *plan, char *word, char *err)
{
    char *times = strchr(word, '*');
    uint64_t repeat = 1;
    if (times)
        *times++ = '\0';
    if (times && !words_number(times, 1, UINT64_MAX, &repeat))
        return wrong(err, "behind the * of %.100s stands a whole number, 1 or more, not \"%.100s\"", word, times);
    if (plan_add(plan, word, err) < 0)
        return -1;
    plan->entries[plan->count - 1].repeat = repeat;
    return 0;
}

static int add_behaviours(struct plan *plan, const char *text, char *err)
{
    char *copy = strdup(text), *rest = copy, *word;
    int failed = 0;
    while (!failed && (word = strsep(&rest, ",")))
        failed = add_behaviour(plan, word, err);
    free(copy);
    return failed;
}

static int no_such_option(const struct plan *plan, const char *typed, char *err)
{
    char dashed[GUESS_NAMES_MAX][OPTIONS_FLAG_BYTES];
    struct guess guess = {0};
    size_t count = 0;
    for (size_t i = 0; i < FLAG_COUNT; i++)
        guess_add(&guess, flags[i].name);
    for (size_t i = 0; i <= plan->count; i++) {
        const struct option *o = i < plan->count ? plan->entries[i].behaviour->options : plan_common_options;
        for (; o && o->name && count < GUESS_NAMES_MAX; o++) {
            options_flag(o, dashed[count]);
            guess_add(&guess, dashed[count++]);
        }
    }
    wrong(err, "neither serve nor %s has an option %.100s",
          plan->count == 1 ? plan->entries[0].behaviour->name : "any of these behaviours", typed);
    guess_say(&guess, typed, err, OPTIONS_ERR_BYTES, "--help tells them all");
    return -1;
}

/* An option goes to every behaviour that has it. */
static int set_option(struct plan *plan, const char *typed, const char *value, char *err)
{
    char name[OPTIONS_FLAG_BYTES];
    bool known = false;
    snprintf(name, sizeof name, "%s", typed + strspn(typed, "-"));
    for (char *c = name; *c; c++)
        if (*c == '-')
            *c = '_';
    for (size_t i = 0; i < plan->count; i++) {
        if (!plan_find_option(&plan->entries[i], name))
            continue;
        known = true;
        if (!value)
            return wrong(err, "%s needs a value", typed);
        if (plan_set(&plan->entries[i], name, value, err) < 0)
            return -1;
    }
    return known ? 0 : no_such_option(plan, typed, err);
}

static int set_address(struct serve_options *o, const struct said *said, char *err)
{
    uint64_t port = 0;
    if (said->unix_path && (said->port || said->ipv6))
        return wrong(err, "--unix goes with neither --port nor --ipv6");
    if (said->port && !words_number(said->port, 0, 65535, &port))
        return wrong(err, "--port is a number from 0 to 65535, not \"%.100s\"", said->port);
    int bytes = said->unix_path ? asprintf(&o->address, "unix:%s", said->unix_path)
                                : asprintf(&o->address, "%s:%u", said->ipv6 ? "[::1]" : "127.0.0.1", (unsigned)port);
    if (bytes < 0)
        abort();
    return 0;
}

static int make_sense(struct serve_options *o, const struct said *said, char *err)
{
    if (said->behaviours && add_behaviours(&o->plan, said->behaviours, err) < 0)
        return -1;
    o->help = said->help;
    if (said->help)
        return 0;
    if (!said->behaviours)
        return wrong(err, "it needs to know how to behave, \"ok\" for example; --help tells more");
    for (size_t i = 0; i < said->option_count; i++)
        if (set_option(&o->plan, said->options[i].name, said->options[i].value, err) < 0)
            return -1;
    o->by_request = said->on && strcmp(said->on, "request") == 0;
    if (said->on && !o->by_request && strcmp(said->on, "connection") != 0)
        return wrong(err, "--on is connection or request, not \"%.100s\"", said->on);
    o->plan.cycle = said->cycle;
    o->trace = said->trace;
    return set_address(o, said, err);
}

int serve_options_parse(struct serve_options *o, int argc, char **argv, char *err)
{
    struct said said = {0};
    *o = (struct serve_options){0};
    return read_words(&said, argc, argv, err) < 0 || make_sense(o, &said, err) < 0 ? -1 : 0;
}

void serve_options_free(struct serve_options *o)
{
    plan_free(&o->plan);
    free(o->address);
}
