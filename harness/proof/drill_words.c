#include "proof/drill_words.h"

#include "base/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANK " \t\r\n"

const struct drill_verb drill_events[] = {
    {"checkout", "tk", .type = POOL_CHECKOUT, .options = "size backlog polled", .ticket = "free"},
    {"connected", "tc", .type = POOL_CONNECTED, .ticket = "connecting", .conn = "new", .ticket_to = "free", .conn_to = "in use"},
    {"connect-failed", "t", .type = POOL_CONNECT_FAILED, .ticket = "connecting", .ticket_to = "free"},
    {"cancel", "t", .type = POOL_CANCEL, .ticket = "connecting or waiting", .ticket_to = "free"},
    {"checkin", "cs", .type = POOL_CHECKIN, .options = "timeout size", .conn = "in use"},
    {"discard", "c", .type = POOL_DISCARD, .conn = "in use"},
    {"readable", "cs", .type = POOL_READABLE, .conn = "idle"},
    {"probed", "tcs", .type = POOL_PROBED, .ticket = "looking", .conn = "looked at"},
    {"tick", "", .type = POOL_TICK},
    {"stop", "", .type = POOL_STOP},
    {0},
};

const struct drill_verb drill_actions[] = {
    {"connect", "t", .type = POOL_DO_CONNECT, .ticket_to = "connecting"},
    {"wait", "t", .type = POOL_DO_WAIT, .ticket_to = "waiting"},
    {"probe", "tc", .type = POOL_DO_PROBE, .ticket_to = "looking", .conn_to = "looked at"},
    {"reuse", "tc", .type = POOL_DO_REUSE, .ticket_to = "free", .conn_to = "in use"},
    {"refuse", "tr", .type = POOL_DO_REFUSE, .ticket_to = "free"},
    {"park", "c", .type = POOL_DO_PARK, .conn_to = "idle"},
    {"close", "cr", .type = POOL_DO_CLOSE, .conn_to = "new"},
    {"nothing", "", .type = -1},
    {0},
};

const struct drill_verb drill_facts[] = {
    {"deadline", "d", .type = DRILL_DEADLINE},
    {"reused", "cn", .type = DRILL_REUSED},
    {"has-pool", "c", .type = DRILL_HAS_POOL, .conn = "in use or idle"},
    {"no-pool", "c", .type = DRILL_NO_POOL, .conn = "in use or idle"},
    {"keys", "n", .type = DRILL_KEYS},
    {"idle", "n", .type = DRILL_IDLE},
    {"in-use", "n", .type = DRILL_IN_USE},
    {"connecting", "n", .type = DRILL_CONNECTING},
    {"waiting", "n", .type = DRILL_WAITING},
    {"failures", "n", .type = DRILL_FAILURES},
    {0},
};

static const char *const seen_text[] = {"quiet", "data", "eof", "error"};

static const struct {
    const char *name;
    uint64_t ns;
} units[] = {{"d", 86400000000000u}, {"s", 1000000000u}, {"ms", 1000000u}, {"us", 1000u}, {"ns", 1u}};
#define UNITS (sizeof units / sizeof *units)

const struct drill_verb *drill_verb_of(const struct drill_verb *verbs, int type)
{
    while (verbs->type != type)
        verbs++;
    return verbs;
}

/* --- from text ------------------------------------------------------------------------------------------------------------ */

static const char *wrong(const char *what, const char *word)
{
    static char text[DRILL_TEXT_MAX];
    snprintf(text, sizeof text, "%s: %.200s", what, word ? word : "the line ends here");
    return text;
}

static const char *read_number(const char *word, uint64_t *number)
{
    return word && words_number(word, 0, UINT32_MAX, number) ? NULL : wrong("a number is wanted", word);
}

const char *drill_read_time(const char *text, uint64_t *ns)
{
    uint64_t number;
    char *unit;
    errno = 0;
    if (text && *text >= '0' && *text <= '9' && (number = strtoull(text, &unit, 10), !errno)) {
        *ns = 0;
        if (number == 0 && !*unit)
            return NULL;
        for (size_t i = 0; i < UNITS; i++)
            if (!strcmp(unit, units[i].name) && !__builtin_mul_overflow(number, units[i].ns, ns))
                return NULL;
    }
    return wrong("a time is wanted, such as 5ms", text);
}

static const char *read_name(const char *word, char kind, unsigned *index)
{
    uint64_t number;
    if (word && *word == kind && words_number(word + 1, 0, DRILL_NAMES - 1, &number)) {
        *index = (unsigned)number;
        return NULL;
    }
    return wrong(kind == 't' ? "a ticket is wanted, t0 to t15" : "a connection is wanted, c0 to c15", word);
}

static const char *read_seen(const char *word, enum pool_seen *seen)
{
    for (unsigned i = 0; word && i < sizeof seen_text / sizeof *seen_text; i++)
        if (!strcmp(word, seen_text[i])) {
            *seen = (enum pool_seen)i;
            return NULL;
        }
    return wrong("what was seen is wanted: quiet, data, eof or error", word);
}

static const char *read_reason(const char *word, enum pool_reason *reason)
{
    for (unsigned i = POOL_REASON_NONE + 1; word && i < POOL_REASON_COUNT; i++)
        if (!strcmp(word, pool_reason_text((enum pool_reason)i))) {
            *reason = (enum pool_reason)i;
            return NULL;
        }
    return wrong("a reason is wanted, one of pool_reason_text's", word);
}

static const char *read_key(const char *word, struct drill_args *args)
{
    if (!word || strchr(word, '=') || strlen(word) >= sizeof args->key)
        return wrong("a key is wanted", word);
    strcpy(args->key, word);
    return NULL;
}

static const char *read_deadline(const char *word, const char *none, uint64_t *ns)
{
    if (!word || strcmp(word, none) != 0)
        return drill_read_time(word, ns);
    *ns = POOL_UNLIMITED;
    return NULL;
}

static const char *read_arg(char letter, const char *word, struct drill_args *args)
{
    switch (letter) {
    case 't':
        return read_name(word, letter, &args->ticket);
    case 'c':
        return read_name(word, letter, &args->conn);
    case 'k':
        return read_key(word, args);
    case 's':
        return read_seen(word, &args->seen);
    case 'r':
        return read_reason(word, &args->reason);
    case 'd':
        return read_deadline(word, "never", &args->time_ns);
    default:
        return read_number(word, &args->number);
    }
}

static const char *read_size(const char *word, unsigned *size)
{
    uint64_t number;
    const char *why = read_number(word, &number);
    if (!why)
        *size = (unsigned)number;
    return why;
}

static const char *read_option(const char *name, const char *value, struct drill_options *options)
{
    if (!strcmp(name, "size")) {
        const char *why = read_size(value, &options->size);
        return why || options->size ? why : wrong("a size is at least 1", value);
    }
    if (!strcmp(name, "timeout"))
        return read_deadline(value, "unlimited", &options->timeout_ns);
    if (!strcmp(name, "look-again"))
        return drill_read_time(value, &options->look_again_ns);
    if (!strcmp(name, "polled")) {
        options->has_polled = true;
        return drill_read_time(value, &options->polled_ns);
    }
    options->limited = true;
    return read_size(value, &options->backlog);
}

static bool among(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; at && (at = strstr(at, name)); at += length)
        if ((at == names || at[-1] == ' ') && (!at[length] || at[length] == ' '))
            return true;
    return false;
}

const char *drill_read_options(char *text, const char *allowed, struct drill_options *options)
{
    char *rest;
    for (char *word = strtok_r(text, BLANK, &rest); word; word = strtok_r(NULL, BLANK, &rest)) {
        char *value = strchr(word, '=');
        if (!value)
            return wrong("this is one word too many", word);
        *value++ = '\0';
        if (!among(allowed, word))
            return wrong("no such option here", word);
        const char *why = read_option(word, value, options);
        if (why)
            return why;
    }
    return NULL;
}

const char *drill_no_word(void)
{
    return "a word is missing; `nothing` is one, where nothing comes";
}

const char *drill_read_step(char *text, const struct drill_verb *verbs, const struct drill_verb **verb, struct drill_args *args,
                            struct drill_options *options)
{
    char *rest = NULL;
    const char *name = strtok_r(text, BLANK, &rest);
    for (*verb = verbs; name && (*verb)->name && strcmp((*verb)->name, name) != 0;)
        ++*verb;
    if (!name)
        return drill_no_word();
    if (!(*verb)->name)
        return wrong("no such word here (harness/proof/drill.h has them)", name);
    for (const char *letter = (*verb)->takes; *letter; letter++) {
        const char *why = read_arg(*letter, strtok_r(NULL, BLANK, &rest), args);
        if (why)
            return why;
    }
    return drill_read_options(rest, (*verb)->options, options);
}

/* --- and back -------------------------------------------------------------------------------------------------------------- */

/* In the largest unit that needs no fraction. */
static int write_time(char *to, size_t room, uint64_t ns)
{
    size_t i = 0;
    if (ns == POOL_UNLIMITED)
        return snprintf(to, room, " never");
    if (ns == 0)
        return snprintf(to, room, " 0");
    while (ns % units[i].ns)
        i++;
    return snprintf(to, room, " %" PRIu64 "%s", ns / units[i].ns, units[i].name);
}

static int write_arg(char *to, size_t room, char letter, const struct drill_args *args)
{
    switch (letter) {
    case 't':
        return snprintf(to, room, " t%u", args->ticket);
    case 'c':
        return snprintf(to, room, " c%u", args->conn);
    case 'r':
        return snprintf(to, room, " %s", pool_reason_text(args->reason));
    case 'd':
        return write_time(to, room, args->time_ns);
    default:
        return snprintf(to, room, " %" PRIu64, args->number);
    }
}

void drill_write(char *text, const struct drill_verb *verb, const struct drill_args *args)
{
    size_t at = strlen(text);
    at += (size_t)snprintf(text + at, DRILL_TEXT_MAX - at, "%s%s", at ? ", " : "", verb->name);
    for (const char *letter = verb->takes; *letter && at < DRILL_TEXT_MAX; letter++)
        at += (size_t)write_arg(text + at, DRILL_TEXT_MAX - at, *letter, args);
}
