/* clock.h - the one clock of everything that is measured or traced.
 *
 * CLOCK_MONOTONIC in nanoseconds: the same in every process of a machine, so that the traces of a server and of a
 * subject can be laid side by side. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

#endif
