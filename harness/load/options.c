#include "load/options.h"

#include "base/words.h"
#include "pool/pool.h"

#include <stdio.h>
#include <string.h>

#define USERS_MAX 1000000
#define PAUSE_EVERY_MAX 1000000000
#define RATE_MAX 1e9
#define DEFAULT_DURATION_NS UINT64_C(10000000000)

struct option {
    const char *name;      /* long form, or the only one */
    char letter;           /* short form, or 0 */
    const char *value;     /* what stands for its value in the help; NULL: it takes none */
    const char *allowed;   /* what its value may be: the end of the sentence about a bad one */
    bool (*set)(struct load_options *o, const char *value);
    const char *help;
};

static bool set_unsigned(unsigned *out, const char *text, uint64_t min, uint64_t max)
{
    uint64_t value;
    if (!words_number(text, min, max, &value))
        return false;
    *out = (unsigned)value;
    return true;
}

static bool set_users(struct load_options *o, const char *v)
{
    return set_unsigned(&o->users, v, 1, USERS_MAX);
}

static bool set_workers(struct load_options *o, const char *v)
{
    return set_unsigned(&o->workers, v, 1, OPTIONS_WORKERS_MAX);
}

static bool set_pool_size(struct load_options *o, const char *v)
{
    return set_unsigned(&o->pool_size, v, 1, USERS_MAX);
}

static bool set_requests(struct load_options *o, const char *v)
{
    return words_number(v, 1, UINT64_C(1) << 48, &o->requests);
}

static bool set_seed(struct load_options *o, const char *v)
{
    return words_number(v, 0, UINT64_MAX, &o->seed);
}

static bool set_rate(struct load_options *o, const char *v)
{
    return words_decimal(v, &o->rate) && o->rate > 0 && o->rate <= RATE_MAX;
}

static bool set_duration(struct load_options *o, const char *v)
{
    return words_duration_ns(v, &o->duration_ns) && o->duration_ns;
}

static bool set_timeout(struct load_options *o, const char *v)
{
    return words_duration_ns(v, &o->timeout_ns) && o->timeout_ns;
}

static bool set_json(struct load_options *o, const char *v)
{
    o->json = v;
    return *v;
}

static bool set_out(struct load_options *o, const char *v)
{
    o->out = v;
    return *v;
}

static bool set_trace(struct load_options *o, const char *v)
{
    o->trace = v;
    return *v;
}

static bool set_no_pool(struct load_options *o, const char *v)
{
    (void)v;
    return o->no_pool = true;
}

static bool set_close_first(struct load_options *o, const char *v)
{
    (void)v;
    return o->no_pool = o->close_first = true;
}

static bool set_fixed(struct load_options *o, const char *v)
{
    (void)v;
    return o->fixed = true;
}

static bool set_quiet(struct load_options *o, const char *v)
{
    (void)v;
    return o->quiet = true;
}

static bool set_idle_timeout(struct load_options *o, const char *v)
{
    if (!words_duration_ns(v, &o->idle_timeout_ns))
        return false;
    if (o->idle_timeout_ns == 0)
        o->idle_timeout_ns = POOL_UNLIMITED;
    return true;
}

/* The duration before a separator. `rest` is what stands behind that; NULL where there is none. */
static bool duration_before(char separator, const char *v, uint64_t *ns, const char **rest)
{
    char first[64];
    size_t bytes = strcspn(v, (char[]){separator, '\0'});
    if (bytes >= sizeof first)
        return false;
    memcpy(first, v, bytes);
    first[bytes] = '\0';
    *rest = v[bytes] ? v + bytes + 1 : NULL;
    return words_duration_ns(first, ns);
}

/* "10ms", or a range: "5ms-15ms". */
static bool set_think(struct load_options *o, const char *v)
{
    const char *to;
    if (!duration_before('-', v, &o->think_min_ns, &to))
        return false;
    o->think_max_ns = o->think_min_ns;
    return !to || (words_duration_ns(to, &o->think_max_ns) && o->think_max_ns >= o->think_min_ns);
}

/* "60ms/500" */
static bool set_pause(struct load_options *o, const char *v)
{
    const char *every;
    return duration_before('/', v, &o->pause_ns, &every) && o->pause_ns && every &&
           words_number(every, 1, PAUSE_EVERY_MAX, &o->pause_every);
}

#define WHOLE "a whole number from 1 to 1000000"
#define DURATION "a duration such as 500ms, 2s or 1m"

static const struct option options[] = {
    {"users", 'c', "USERS", WHOLE, set_users, "users, each with at most one request under way [10]"},
    {"workers", 't', "WORKERS", "a whole number from 1 to 256", set_workers,
     "worker processes, each with its own pool and its share of users [1]"},
    {"duration", 'd', "DURATION", DURATION, set_duration, "how long requests are started [10s, or no limit with -n]"},
    {"requests", 'n', "REQUESTS", "a whole number from 1 up", set_requests, "how many requests are started"},
    {"rate", 'R', "RATE", "a number above 0, at most 1000000000", set_rate,
     "constant rate: requests per second, due whatever the server does; one\n"
     "that finds no free user waits, and its latency counts from when it was due"},
    {"think", 0, "D[-D]", DURATION ", or a range such as 5ms-15ms", set_think,
     "time that a user waits between two requests, or a range to draw it from [0]"},
    {"pause", 0, "D/N", "a duration and a number of requests such as 60ms/500", set_pause,
     "... and a longer one behind every Nth request of each user: a lull"},
    {"pool-size", 0, "N", WHOLE, set_pool_size, "idle connections that each worker's pool keeps [30]"},
    {"idle-timeout", 0, "D", DURATION ", or 0", set_idle_timeout, "how long an idle connection is kept; 0: for ever [60s]"},
    {"no-pool", 0, NULL, NULL, set_no_pool, "a new connection for each request, which asks the server to close it"},
    {"close-first", 0, NULL, NULL, set_close_first,
     "a new connection for each request, which this side closes first and without\n"
     "a word: whoever closes first holds the TIME_WAIT"},
    {"timeout", 0, "D", DURATION, set_timeout, "time for one request, its connect included [10s]"},
    {"fixed", 0, NULL, NULL, set_fixed, "send the URL's target as it is, without a token in it"},
    {"seed", 0, "N", "a whole number", set_seed, "of the drawn think times [1]"},
    {"json", 0, "FILE", "a file name, or -", set_json,
     "write the figures as JSON; - for standard output, instead of the summary"},
    {"out", 0, "DIR", "a folder", set_out, "write run.json, *.hgrm (HdrHistogram) and series.csv into DIR"},
    {"trace", 0, "FILE", "a file name", set_trace, "write the first 1,000 requests, one JSON object a line"},
    {"quiet", 0, NULL, NULL, set_quiet, "no progress line"},
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

static const struct option *find_long(const char *name, size_t bytes)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strlen(options[i].name) == bytes && memcmp(options[i].name, name, bytes) == 0)
            return &options[i];
    return NULL;
}

static const struct option *find_short(char letter)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (letter && options[i].letter == letter)
            return &options[i];
    return NULL;
}

static enum options_result unknown(const char *arg, char *error)
{
    const char *names[OPTION_COUNT];
    for (size_t i = 0; i < OPTION_COUNT; i++)
        names[i] = options[i].name;
    const char *nearest = words_nearest(arg + strspn(arg, "-"), names, OPTION_COUNT);
    if (nearest)
        snprintf(error, OPTIONS_ERROR_BYTES, "%s is not an option: did you mean --%s?", arg, nearest);
    else
        snprintf(error, OPTIONS_ERROR_BYTES, "%s is not an option: --help lists them", arg);
    return OPTIONS_BAD;
}

/* Takes one option and its value, in any of the forms --name VALUE, --name=VALUE, -x VALUE, -xVALUE. */
static enum options_result take_option(struct load_options *o, int argc, char *const argv[], int *at, char *error)
{
    const char *arg = argv[*at], *value = NULL;
    bool is_long = arg[1] == '-';
    size_t bytes = is_long ? strcspn(arg + 2, "=") : 0;
    const struct option *option = is_long ? find_long(arg + 2, bytes) : find_short(arg[1]);

    if (!option)
        return unknown(arg, error);
    if (is_long)
        value = arg[2 + bytes] ? arg + 2 + bytes + 1 : NULL;
    else
        value = arg[2] ? arg + 2 : NULL;
    if (value && !option->value) {
        snprintf(error, OPTIONS_ERROR_BYTES, "--%s takes no value", option->name);
        return OPTIONS_BAD;
    }
    if (option->value && !value && ++*at < argc)
        value = argv[*at];
    if (option->value && !value) {
        snprintf(error, OPTIONS_ERROR_BYTES, "%s needs a value: %s", arg, option->allowed);
        return OPTIONS_BAD;
    }
    if (option->set(o, value))
        return OPTIONS_RUN;
    snprintf(error, OPTIONS_ERROR_BYTES, "%.*s cannot be \"%.200s\": it takes %s", is_long ? (int)bytes + 2 : 2, arg, value,
             option->allowed);
    return OPTIONS_BAD;
}

static enum options_result bad(char *error, const char *sentence)
{
    snprintf(error, OPTIONS_ERROR_BYTES, "%s", sentence);
    return OPTIONS_BAD;
}

static enum options_result check(struct load_options *o, char *error)
{
    if (!o->url_text)
        return bad(error, "a URL is missing, such as http://127.0.0.1:8080/ (--help tells more)");
    const char *why = url_parse(&o->url, o->url_text);
    if (why) {
        snprintf(error, OPTIONS_ERROR_BYTES, "\"%.200s\" is not a URL that can be used: %s", o->url_text, why);
        return OPTIONS_BAD;
    }
    if (o->workers > o->users) {
        snprintf(error, OPTIONS_ERROR_BYTES, "%u workers need at least %u users: -c %u is too few", o->workers, o->workers,
                 o->users);
        return OPTIONS_BAD;
    }
    if (o->rate > 0 && (o->think_max_ns || o->pause_ns))
        return bad(error, "--think and --pause belong to the closed loop: with -R the arrivals are fixed by the rate");
    if (!o->requests && !o->duration_ns)
        o->duration_ns = DEFAULT_DURATION_NS;
    return OPTIONS_RUN;
}

enum options_result options_parse(struct load_options *o, int argc, char *const argv[], char *error)
{
    *o = (struct load_options){.users = 10, .workers = 1, .pool_size = 30, .idle_timeout_ns = UINT64_C(60000000000),
                               .timeout_ns = UINT64_C(10000000000), .seed = 1};
    for (int i = 1; i < argc; i++) {
        enum options_result result = OPTIONS_RUN;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return OPTIONS_HELP;
        if (argv[i][0] == '-' && argv[i][1]) {
            result = take_option(o, argc, argv, &i, error);
        } else if (o->url_text) {
            snprintf(error, OPTIONS_ERROR_BYTES, "one URL at a time: \"%.200s\" is a second one", argv[i]);
            result = OPTIONS_BAD;
        } else {
            o->url_text = argv[i];
        }
        if (result != OPTIONS_RUN)
            return result;
    }
    return check(o, error);
}

static void help_option(const struct option *option)
{
    char form[32];
    snprintf(form, sizeof form, "%s%s%s", option->name, option->value ? " " : "", option->value ? option->value : "");
    if (option->letter)
        printf("  -%c, --%-22s ", option->letter, form);
    else
        printf("      --%-22s ", form);
    for (const char *c = option->help; *c; c++) {
        putchar(*c);
        if (*c == '\n')
            printf("%*s", 31, "");
    }
    putchar('\n');
}

void options_help(void)
{
    puts("Usage: load URL [OPTION]...\n\n"
         "Sends HTTP/1.1 requests through a keep-alive connection pool, and reports how often connections were\n"
         "reused, what failed, and how long it took: the first use of a connection apart from its reuse.\n"
         "Every request is checkout, send, receive, check-in; none is ever retried.\n\n"
         "  URL                         http://127.0.0.1:8080/path   http://[::1]:8080/   http://unix:/path/sock:/target");
    for (size_t i = 0; i < OPTION_COUNT; i++)
        help_option(&options[i]);
    puts("\n"
         "Examples:\n"
         "  load http://127.0.0.1:8080/ -c 64 -d 10s\n"
         "      64 users, each asking again as soon as it is answered, for ten seconds.\n"
         "  load http://unix:/run/app.sock:/ -R 2000 -c 50 -n 10000 --pool-size 10 --json -\n"
         "      2,000 requests a second by at most 50 users, 10,000 in all, at most 10 idle connections; JSON.\n\n"
         "Exit: 0 figures were obtained, whatever they are; 2 usage; 3 a worker died or a file could not be written;\n"
         "130 after Ctrl-C, with what was measured until then.");
}
