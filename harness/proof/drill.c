#include "proof/drill.h"

#include "proof/drill_words.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define START_NS 1000000000u /* the pool's clock at a drill's 0 */

struct drill {
    const char *name;
    FILE *out;
    unsigned line;
    enum drill_verdict verdict;
    bool has_why, has_clause;
    unsigned steps;
    struct pool *pool;
    uint64_t now_ns;
    const struct pool_ticket *probing; /* whose probe has to be answered before anything else happens */
    struct pool_conn conns[DRILL_NAMES];
    struct pool_ticket tickets[DRILL_NAMES];
    /* What the script has made of each so far, apart from what the core believes. */
    const char *conn_is[DRILL_NAMES], *ticket_is[DRILL_NAMES];
};

/* Ends the drill. */
static void __attribute__((format(printf, 3, 4))) say(struct drill *d, enum drill_verdict verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(d->out, "%s:%u: ", d->name, d->line);
    vfprintf(d->out, format, args);
    fputc('\n', d->out);
    va_end(args);
    d->verdict = verdict;
}

static void bad(struct drill *d, const char *why)
{
    if (why)
        say(d, DRILL_BAD_SCRIPT, "%s", why);
}

/* --- what came, in words ----------------------------------------------------------------------------------------------- */

static void become(struct drill *d, const struct drill_verb *verb, const struct drill_args *args)
{
    if (verb->ticket_to)
        d->ticket_is[args->ticket] = verb->ticket_to;
    if (verb->conn_to)
        d->conn_is[args->conn] = verb->conn_to;
}

/* The core's answer, all of it. */
static void take_actions(struct drill *d, char *text)
{
    struct pool_action action;
    while (pool_next_action(d->pool, &action)) {
        const struct drill_verb *verb = drill_verb_of(drill_actions, (int)action.type);
        struct drill_args args = {.reason = action.reason};
        if (action.ticket)
            args.ticket = (unsigned)(action.ticket - d->tickets);
        if (action.conn)
            args.conn = (unsigned)(action.conn - d->conns);
        if (action.type == POOL_DO_PROBE)
            d->probing = action.ticket;
        become(d, verb, &args);
        drill_write(text, verb, &args);
    }
    if (!*text)
        drill_write(text, drill_verb_of(drill_actions, -1), &(struct drill_args){0});
}

static void count_key(void *user, const struct pool_view *view)
{
    (void)view;
    ++*(uint64_t *)user;
}

/* What is so where `verb` says something else, or the same. */
static void find_fact(const struct drill *d, const struct drill_verb **verb, struct drill_args *args)
{
    struct pool_stats stats;
    uint64_t deadline_ns = pool_deadline(d->pool);
    pool_stats_all(d->pool, &stats);
    switch ((enum drill_fact)(*verb)->type) {
    case DRILL_DEADLINE:
        args->time_ns = deadline_ns == POOL_UNLIMITED ? POOL_UNLIMITED : deadline_ns - START_NS;
        break;
    case DRILL_REUSED:
        args->number = d->conns[args->conn].reused;
        break;
    case DRILL_HAS_POOL:
    case DRILL_NO_POOL:
        *verb = drill_verb_of(drill_facts, pool_exists_for(&d->conns[args->conn]) ? DRILL_HAS_POOL : DRILL_NO_POOL);
        break;
    case DRILL_KEYS:
        args->number = 0;
        pool_each(d->pool, &args->number, count_key);
        break;
    case DRILL_IDLE:
        args->number = stats.idle;
        break;
    case DRILL_IN_USE:
        args->number = stats.in_use;
        break;
    case DRILL_CONNECTING:
        args->number = stats.connecting;
        break;
    case DRILL_WAITING:
        args->number = stats.waiting;
        break;
    case DRILL_FAILURES:
        args->number = stats.connect_failures;
        break;
    }
}

/* --- a step ------------------------------------------------------------------------------------------------------------- */

static bool allowed(struct drill *d, const struct drill_verb *verb, const struct drill_args *args)
{
    if (verb->ticket && !strstr(verb->ticket, d->ticket_is[args->ticket]))
        say(d, DRILL_BAD_SCRIPT, "%s: t%u is %s, not %s", verb->name, args->ticket, d->ticket_is[args->ticket], verb->ticket);
    else if (verb->conn && !strstr(verb->conn, d->conn_is[args->conn]))
        say(d, DRILL_BAD_SCRIPT, "%s: c%u is %s, not %s", verb->name, args->conn, d->conn_is[args->conn], verb->conn);
    return d->verdict == DRILL_AS_EXPECTED;
}

/* The next of a list with commas, `text` at first; false: there is none, or it is wrong. */
static bool read_next(struct drill *d, char *text, char **rest, const struct drill_verb *verbs, const struct drill_verb **verb,
                      struct drill_args *args)
{
    struct drill_options none = {0};
    char *one = strtok_r(text, ",", rest);
    *args = (struct drill_args){0};
    if (one || text)
        bad(d, one ? drill_read_step(one, verbs, verb, args, &none) : drill_no_word());
    return one && d->verdict == DRILL_AS_EXPECTED;
}

static void compare(struct drill *d, const char *event, const char *expected, const char *actual)
{
    if (strcmp(expected, actual) != 0)
        say(d, DRILL_NOT_AS_EXPECTED, "%s\n  expected: %s\n  actual:   %s", event, expected, actual);
}

/* The actions that a step expects, written as the core's own will be. */
static void read_actions(struct drill *d, char *text, char *expected)
{
    const struct drill_verb *verb;
    struct drill_args args;
    for (char *rest; read_next(d, text, &rest, drill_actions, &verb, &args); text = NULL)
        drill_write(expected, verb, &args);
}

static void check_facts(struct drill *d, const char *event, char *text)
{
    const struct drill_verb *verb;
    struct drill_args args;
    for (char *rest; read_next(d, text, &rest, drill_facts, &verb, &args) && allowed(d, verb, &args); text = NULL) {
        char expected[DRILL_TEXT_MAX] = "", actual[DRILL_TEXT_MAX] = "";
        drill_write(expected, verb, &args);
        find_fact(d, &verb, &args);
        drill_write(actual, verb, &args);
        compare(d, event, expected, actual);
    }
}

static void handle(struct drill *d, const struct drill_verb *verb, const struct drill_args *args, const struct drill_options *options)
{
    struct pool_event event = {
        .type = (enum pool_event_type)verb->type,
        .now_ns = d->now_ns,
        .polled_ns = options->has_polled ? START_NS + options->polled_ns : d->now_ns,
        .ticket = strchr(verb->takes, 't') ? &d->tickets[args->ticket] : NULL,
        .conn = strchr(verb->takes, 'c') ? &d->conns[args->conn] : NULL,
        .seen = args->seen,
        .key = args->key,
        .key_bytes = strlen(args->key),
        .idle_timeout_ns = options->timeout_ns,
        .size = options->size,
        .limited = options->limited,
        .backlog = options->backlog,
    };
    d->probing = NULL;
    pool_handle(d->pool, &event);
}

/* Cuts `text` at `mark` and returns what is behind it; NULL: it is not there. */
static char *behind(char *text, const char *mark)
{
    char *at = strstr(text, mark);
    if (!at)
        return NULL;
    *at = '\0';
    return at + strlen(mark);
}

static bool set_clock(struct drill *d, const char *when)
{
    uint64_t ns;
    const char *why = drill_read_time(when + (*when == '+'), &ns);
    uint64_t now_ns = (*when == '+' ? d->now_ns : START_NS) + ns;
    bad(d, why ? why : now_ns < d->now_ns ? "time does not go back" : NULL);
    d->now_ns = now_ns;
    return d->verdict == DRILL_AS_EXPECTED;
}

/* What a step says: when, an event, what it is answered with, and what is so afterwards (NULL: it does not say). */
struct step {
    const char *when;
    char *event, *actions, *facts;
};

static bool cut_step(struct drill *d, char *line, struct step *step)
{
    step->when = strtok_r(line, " \t", &step->event);
    step->event += strspn(step->event, " \t");
    step->actions = behind(step->event, "->");
    if (!step->actions) {
        bad(d, "a step is: TIME EVENT -> ACTIONS");
        return false;
    }
    step->facts = behind(step->actions, ";");
    for (size_t end = strlen(step->event); end && step->event[end - 1] == ' '; end--)
        step->event[end - 1] = '\0';
    return true;
}

static void play_step(struct drill *d, const struct step *step)
{
    char text[DRILL_TEXT_MAX], expected[DRILL_TEXT_MAX] = "", actual[DRILL_TEXT_MAX] = "";
    const struct drill_verb *verb;
    struct drill_args args = {0};
    struct drill_options options = {0};
    if (!set_clock(d, step->when))
        return;
    bad(d, drill_read_step(strcpy(text, step->event), drill_events, &verb, &args, &options));
    if (d->verdict == DRILL_AS_EXPECTED)
        read_actions(d, step->actions, expected);
    if (d->verdict != DRILL_AS_EXPECTED || !allowed(d, verb, &args))
        return;
    if ((d->probing != NULL) != (verb->type == POOL_PROBED)) {
        bad(d, "a probe is answered before anything else happens");
        return;
    }
    if (options.has_polled && START_NS + options.polled_ns > d->now_ns) {
        bad(d, "polled= lies ahead");
        return;
    }
    handle(d, verb, &args, &options);
    become(d, verb, &args);
    take_actions(d, actual);
    compare(d, step->event, expected, actual);
    if (step->facts && d->verdict == DRILL_AS_EXPECTED)
        check_facts(d, step->event, step->facts);
    d->steps++;
}

/* --- a script ------------------------------------------------------------------------------------------------------------ */

/* The core starts with what the `pool` line says, at the first step. */
static void configure(struct drill *d, char *text)
{
    struct drill_options options = {0};
    if (d->pool) {
        bad(d, "the pool is configured once, before the first step");
        return;
    }
    bad(d, drill_read_options(text, "size timeout look-again", &options));
    d->pool = pool_new(&(struct pool_config){
        .size = options.size ? options.size : 30,
        .idle_timeout_ns = options.timeout_ns ? options.timeout_ns : 60000000000u,
        .look_again_ns = options.look_again_ns ? options.look_again_ns : 100000u,
    });
    if (!d->pool)
        bad(d, "no memory");
}

static bool begins_with(const char *text, const char *word)
{
    size_t length = strlen(word);
    return !strncmp(text, word, length) && strchr(" \t\r\n", text[length]);
}

static void play_line(struct drill *d, char *text)
{
    struct step step;
    char nothing[] = "";
    text += strspn(text, " \t\r\n");
    if (*text == '#') {
        d->has_why = true;
    } else if (begins_with(text, "clause")) {
        d->has_clause = true;
    } else if (begins_with(text, "pool")) {
        configure(d, text + strlen("pool"));
    } else if (*text && !(d->has_why && d->has_clause)) {
        bad(d, "a drill begins with its reason (#) and with the clause that it stands for");
    } else if (*text && cut_step(d, text, &step)) {
        if (!d->pool)
            configure(d, nothing);
        play_step(d, &step);
    }
}

enum drill_verdict drill_play(FILE *script, const char *name, FILE *out)
{
    struct drill d = {.name = name, .out = out, .now_ns = START_NS};
    char text[DRILL_TEXT_MAX];
    for (unsigned i = 0; i < DRILL_NAMES; i++) {
        d.ticket_is[i] = "free";
        d.conn_is[i] = "new";
    }
    while (d.verdict == DRILL_AS_EXPECTED && fgets(text, sizeof text, script)) {
        d.line++;
        if (!strchr(text, '\n') && !feof(script))
            bad(&d, "a line of more than 510 bytes");
        else
            play_line(&d, text);
    }
    if (d.verdict == DRILL_AS_EXPECTED && !d.steps)
        bad(&d, "no step, and so nothing that could go wrong");
    pool_free(d.pool);
    return d.verdict;
}
