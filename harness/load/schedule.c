#include "load/schedule.h"

#include "base/heap.h"

#include <assert.h>
#include <stdlib.h>

struct sched {
    struct sched_config config;
    uint64_t started;        /* requests */
    uint64_t random;
    uint64_t *answered;      /* of each user, where they pause */
    unsigned waiting_count;
    struct heap_entry waiting[]; /* a heap: the user that is free first is on top */
};

static void push(struct sched *s, unsigned user, uint64_t free_ns)
{
    assert(s->waiting_count < s->config.users);
    heap_push(s->waiting, &s->waiting_count, free_ns, user);
}

/* splitmix64: small, and the same everywhere for the same seed. */
static uint64_t draw(struct sched *s)
{
    uint64_t z = s->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t think_ns(struct sched *s)
{
    const struct sched_config *c = &s->config;
    if (c->think_min_ns == c->think_max_ns)
        return c->think_min_ns;
    return c->think_min_ns + draw(s) % (c->think_max_ns - c->think_min_ns + 1);
}

static uint64_t pause_ns(struct sched *s, unsigned user)
{
    const struct sched_config *c = &s->config;
    return s->answered && ++s->answered[user] % c->pause_every == 0 ? c->pause_ns : 0;
}

/* Computed from the count, not added up: no error grows over a long run. */
static uint64_t arrival_ns(const struct sched *s, uint64_t count)
{
    const struct sched_config *c = &s->config;
    double k = (double)count * c->workers + c->worker;
    return c->start_ns + (uint64_t)(k * 1e9 / c->rate);
}

struct sched *sched_new(const struct sched_config *config)
{
    assert(config->users >= 1 && config->think_min_ns <= config->think_max_ns);
    struct sched *s = calloc(1, sizeof *s + config->users * sizeof s->waiting[0]);
    if (!s)
        return NULL;
    s->config = *config;
    if (config->pause_every) {
        s->answered = calloc(config->users, sizeof *s->answered);
        if (!s->answered) {
            free(s);
            return NULL;
        }
    }
    s->random = config->seed ^ ((uint64_t)config->worker << 32);
    for (unsigned user = 0; user < config->users; user++)
        push(s, user, config->start_ns);
    return s;
}

void sched_free(struct sched *s)
{
    if (s)
        free(s->answered);
    free(s);
}

uint64_t sched_next_ns(const struct sched *s)
{
    if (s->waiting_count == 0 || s->started >= s->config.requests)
        return SCHED_NEVER;
    uint64_t next = s->waiting[0].at_ns;
    if (s->config.rate > 0) {
        uint64_t arrival = arrival_ns(s, s->started);
        next = arrival > next ? arrival : next;
    }
    return next < s->config.end_ns ? next : SCHED_NEVER;
}

bool sched_take(struct sched *s, uint64_t now_ns, struct sched_start *start)
{
    if (now_ns >= s->config.end_ns || sched_next_ns(s) > now_ns)
        return false;
    start->due_ns = s->config.rate > 0 ? arrival_ns(s, s->started) : s->waiting[0].at_ns;
    start->user = heap_pop(s->waiting, &s->waiting_count);
    s->started++;
    return true;
}

void sched_done(struct sched *s, unsigned user, uint64_t free_ns)
{
    push(s, user, s->config.rate > 0 ? free_ns : free_ns + think_ns(s) + pause_ns(s, user));
}

bool sched_is_over(const struct sched *s, uint64_t now_ns)
{
    return now_ns >= s->config.end_ns || s->started >= s->config.requests;
}

uint64_t sched_unserved(const struct sched *s, uint64_t now_ns)
{
    const struct sched_config *c = &s->config;
    uint64_t until = now_ns < c->end_ns ? now_ns : c->end_ns, due = s->started;
    if (c->rate <= 0)
        return 0;
    while (due < c->requests && arrival_ns(s, due) < until)
        due++;
    return due - s->started;
}
