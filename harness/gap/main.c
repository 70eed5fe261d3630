/* The program `gap`: a plan on standard input (idle times in nanoseconds, one a line), a line for each of them on standard output:
 *
 *     planned_ns,gap_ns,span_ns,kept,reused,phase,error
 *
 * error is empty for an answer. Exit: 0 all were tried, whatever became of them; 2 usage or a bad plan; 3 it could not be run. */
#include "base/words.h"
#include "gap/gap.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { EXIT_USAGE = 2, EXIT_UNKNOWN = 3, LINE_BYTES = 64 };

#define PLAN_MAX 1000000u
#define GAP_MAX_NS UINT64_C(3600000000000)
#define RATE_MAX 1e6

static const char usage[] =
    "Usage: gap URL [--idle-timeout D] [--timeout D] [--rate N] <PLAN\n\n"
    "For each line of PLAN, an idle time in nanoseconds, a connection of its own makes a request, idles so long in the pool,\n"
    "and is asked for again. Prints what became of each second request, a line of comma-separated values.\n\n"
    "  --idle-timeout D   how long the pool keeps an idle connection; 0: for ever [0]\n"
    "  --timeout D        time for one request [10s]\n"
    "  --rate N           pairs that begin in a second [500]\n\n"
    "Example: seq 199000000 50000 201000000 | gap http://127.0.0.1:8080/ --rate 200";

static int bad(const char *what, const char *value)
{
    fprintf(stderr, "gap: %s: \"%.200s\"\n", what, value);
    return EXIT_USAGE;
}

static int read_options(struct gap_config *config, struct url *url, int argc, char **argv)
{
    static const struct option options[] = {{"idle-timeout", required_argument, NULL, 'i'}, {"timeout", required_argument, NULL, 't'},
                                            {"rate", required_argument, NULL, 'r'}, {"help", no_argument, NULL, 'h'}, {0}};
    int letter;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (letter == 'h') {
            puts(usage);
            exit(0);
        } else if (letter == 'i' && !words_duration_ns(optarg, &config->idle_timeout_ns)) {
            return bad("--idle-timeout takes a duration such as 500ms, or 0", optarg);
        } else if (letter == 't' && (!words_duration_ns(optarg, &config->timeout_ns) || !config->timeout_ns)) {
            return bad("--timeout takes a duration such as 10s", optarg);
        } else if (letter == 'r' && (!words_decimal(optarg, &config->rate) || config->rate <= 0 || config->rate > RATE_MAX)) {
            return bad("--rate takes a number above 0, at most 1000000", optarg);
        } else if (letter == '?') {
            return EXIT_USAGE;
        }
    }
    if (optind != argc - 1)
        return bad("one URL is needed", optind < argc ? argv[optind + 1] : "");
    const char *why = url_parse(url, argv[optind]);
    if (!config->idle_timeout_ns)
        config->idle_timeout_ns = POOL_UNLIMITED;
    return why ? bad(why, argv[optind]) : 0;
}

/* The caller frees *plan. Returns 0, EXIT_USAGE or EXIT_UNKNOWN. */
static int read_plan(struct gap_result **plan, unsigned *count)
{
    char line[LINE_BYTES];
    unsigned room = 0;
    for (*count = 0; fgets(line, sizeof line, stdin); (*count)++) {
        line[strcspn(line, "\n")] = '\0';
        if (*count == PLAN_MAX)
            return bad("the plan has too many lines, from here on", line);
        if (*count == room) {
            room = room ? 2 * room : 1024;
            struct gap_result *larger = realloc(*plan, room * sizeof larger[0]);
            if (!larger) {
                fputs("gap: no memory for the plan\n", stderr);
                return EXIT_UNKNOWN;
            }
            *plan = larger;
        }
        (*plan)[*count] = (struct gap_result){0};
        if (!words_number(line, 0, GAP_MAX_NS, &(*plan)[*count].planned_ns))
            return bad("a line of the plan is an idle time in nanoseconds, at most an hour", line);
    }
    return *count ? 0 : bad("the plan on standard input is empty", "");
}

static int print(const struct gap_result *results, unsigned count)
{
    puts("planned_ns,gap_ns,span_ns,kept,reused,phase,error");
    for (unsigned i = 0; i < count; i++) {
        const struct gap_result *r = &results[i];
        printf("%llu,%llu,%llu,%d,%u,%s,%s\n", (unsigned long long)r->planned_ns, (unsigned long long)r->gap_ns,
               (unsigned long long)r->span_ns, r->kept, r->reused, client_phase_text(r->phase),
               r->err ? client_error_text(r->err) : "");
    }
    if (fflush(stdout) == 0)
        return 0;
    fprintf(stderr, "gap: standard output could not be written: %s\n", strerror(errno));
    return EXIT_UNKNOWN;
}

int main(int argc, char **argv)
{
    struct url url;
    struct gap_config config = {.url = &url, .timeout_ns = UINT64_C(10000000000), .rate = 500};
    struct gap_result *plan = NULL;
    struct rlimit limit;
    unsigned count;

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody reads what it has to say when whoever started it is gone */
    signal(SIGPIPE, SIG_IGN);
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    int status = read_options(&config, &url, argc, argv);
    if (!status)
        status = read_plan(&plan, &count);
    if (!status) {
        int err = gap_run(&config, plan, count);
        if (err)
            fprintf(stderr, "gap: it could not be run: %s\n", strerror(err));
        status = err ? EXIT_UNKNOWN : print(plan, count);
    }
    free(plan);
    return status;
}
