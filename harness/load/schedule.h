/* schedule.h - which user starts a request, and when.
 *
 * PURE: no clock and no timer; it calls nothing but memory and assert. Its driver asks sched_take until it gives nothing
 * more, tells sched_done as each request ends, and asks again at sched_next_ns.
 *
 * Closed loop: a user starts its next request when the last one has ended and its think time is over. A slow server is then
 * asked less often.
 *
 * Constant rate: request k is due at start + k / rate, whatever the server does. One that finds no free user waits for one,
 * in order, and is still due when it was due: a latency that counts from there holds the wait too. */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define SCHED_NEVER UINT64_MAX

struct sched_config {
    unsigned users;                      /* at least 1 */
    uint64_t start_ns;
    uint64_t end_ns;                     /* nothing starts from here on; SCHED_NEVER: no end */
    uint64_t requests;                   /* nothing starts after so many; UINT64_MAX: no limit */
    /* Constant rate, where not 0: arrivals per second of all workers together. This one takes the arrivals
     * worker, worker + workers, worker + 2 workers ... of them. */
    double rate;
    unsigned worker, workers;
    /* Closed loop: each think time is drawn evenly from this range. */
    uint64_t think_min_ns, think_max_ns;
    /* ... and behind every so many requests of a user (0: never) comes a pause. */
    uint64_t pause_ns, pause_every;
    uint64_t seed;
};

struct sched;

/* NULL where memory is out. */
struct sched *sched_new(const struct sched_config *config);
void sched_free(struct sched *s);

struct sched_start {
    unsigned user;    /* 0 to users - 1; free no more until sched_done */
    uint64_t due_ns;  /* when it should have started: at or before now */
};

/* Gives the next request that is due, or returns false. */
bool sched_take(struct sched *s, uint64_t now_ns, struct sched_start *start);

/* The request of `user` has ended; it is free, or begins to think, at free_ns (which may lie ahead: a rest). */
void sched_done(struct sched *s, unsigned user, uint64_t free_ns);

/* When sched_take may give something without a further sched_done. SCHED_NEVER: not before one, or not at all. */
uint64_t sched_next_ns(const struct sched *s);

/* Whether nothing will ever start any more. */
bool sched_is_over(const struct sched *s, uint64_t now_ns);

/* Arrivals of a constant rate that were due before `now_ns` (or the end) and have not started. */
uint64_t sched_unserved(const struct sched *s, uint64_t now_ns);

#endif
