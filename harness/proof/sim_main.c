/* sim: the pool's core in virtual time, by chance; what it does with a seed is always the same. */
#include "proof/sim.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct options {
    uint64_t first, last, steps;
    bool trace;
};

static const char usage[] =
    "usage: sim [--seed N | --seeds A-B] [--steps N] [--trace]\n"
    "Drives the pool's core in virtual time and compares each of its actions with a second set of books.\n"
    "  --seed N     one run, given by N (1)\n"
    "  --seeds A-B  one run for each\n"
    "  --steps N    of each run (10000)\n"
    "  --trace      print every step and what the core said\n"
    "A run that breaks a rule is cut down to what is needed for that, and printed. Exit: 0; 1 a rule was broken; 2 usage.\n";

static bool read_number(const char *text, char **end, uint64_t *out)
{
    *out = strtoull(text, end, 10);
    return *end != text && *text != '-';
}

static bool read_option(struct options *o, int option)
{
    char *end;
    switch (option) {
    case 's':
        return read_number(optarg, &end, &o->first) && !*end && read_number(optarg, &end, &o->last);
    case 'S':
        return read_number(optarg, &end, &o->first) && *end == '-' && read_number(end + 1, &end, &o->last) && !*end &&
               o->first <= o->last;
    case 'n':
        return read_number(optarg, &end, &o->steps) && !*end;
    case 't':
        o->trace = true;
        return true;
    default:
        return false;
    }
}

static bool read_options(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {{"seed", required_argument, NULL, 's'}, {"seeds", required_argument, NULL, 'S'},
                                          {"steps", required_argument, NULL, 'n'}, {"trace", no_argument, NULL, 't'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1)
        if (!read_option(o, option))
            return false;
    return optind == argc;
}

static double seconds(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void report(const char *program, uint64_t seed, const struct sim_result *result)
{
    printf("seed %" PRIu64 " breaks a rule at step %" PRIu64 ": %s\n", seed, result->steps, result->broken);
    printf("replay: %s --seed %" PRIu64 " --steps %" PRIu64 " --trace\n", program, seed, result->steps);
    fflush(stdout);
    struct sim_script script = sim_record(seed, result->steps);
    if (!script.ops)
        return;
    sim_shrink(&script, result->broken);
    printf("shrunk to %zu operations (size %u, idle timeout %" PRIu64 "ns, a look counts for %" PRIu64 "ns):\n", script.count,
           script.config.pool.size, script.config.pool.idle_timeout_ns, script.config.pool.look_again_ns);
    sim_play(&script, stdout);
    free(script.ops);
}

static uint64_t current_seed;

/* A sanitizer ends the process before any of the above: at least say which run it was. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void say_seed(void)
{
    fprintf(stderr, "the run was: --seed %" PRIu64 "\n", current_seed);
}

int main(int argc, char **argv)
{
    struct options o = {.first = 1, .last = 1, .steps = 10000};
    uint64_t steps = 0, events = 0, seed;
    if (!read_options(&o, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(say_seed);
    double before = seconds();
    for (seed = o.first; seed - 1 != o.last; seed++) {
        current_seed = seed;
        struct sim_result result = sim_run(seed, o.steps, o.trace ? stdout : NULL);
        steps += result.steps;
        events += result.events;
        if (result.broken) {
            report(argv[0], seed, &result);
            return 1;
        }
    }
    double took = seconds() - before;
    printf("%" PRIu64 " runs, %" PRIu64 " steps (%" PRIu64 " events) in %.2f s: %.0f steps per second, every rule held\n",
           o.last - o.first + 1, steps, events, took, (double)steps / took);
    return 0;
}
