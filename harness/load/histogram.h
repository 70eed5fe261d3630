/* histogram.h - how often each value was seen, to a fixed number of significant digits, in constant memory.
 *
 * PURE: it calls nothing but memory and assert. The geometry of the buckets is HdrHistogram's, with 1 as the lowest value
 * that is told from 0: exact up to twice 10^digits, then buckets that double in width each time the value doubles, so that
 * a value and its bucket never differ by more than one part in 10^digits. Values here are microseconds.
 *
 * A struct histogram lives in memory that the caller provides, shared memory too; where its writer dies at any point, what it
 * had recorded stays readable. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_HIGHEST UINT64_C(3600000000) /* one hour: a larger value is counted as this one */

struct histogram {
    uint64_t min, max;   /* of what was recorded, exactly; min is larger than max where nothing was */
    unsigned half_bits;  /* half a bucket has 2^half_bits slots */
    unsigned buckets;
    size_t slots;
    uint64_t counts[];
};

/* Memory for a histogram of 1 to 5 digits; a multiple of 8. */
size_t histogram_bytes(unsigned digits);

/* Makes an empty one in zeroed memory of that size: no slot is written, so that pages of it stay unused until they are. */
void histogram_init(struct histogram *h, unsigned digits);

static inline size_t histogram_slot(const struct histogram *h, uint64_t value)
{
    uint64_t exact = (UINT64_C(2) << h->half_bits) - 1;
    unsigned bucket = 63 - h->half_bits - (unsigned)__builtin_clzll(value | exact);
    return ((size_t)bucket << h->half_bits) + (size_t)(value >> bucket);
}

static inline void histogram_record(struct histogram *h, uint64_t value)
{
    if (value > HISTOGRAM_HIGHEST)
        value = HISTOGRAM_HIGHEST;
    if (value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->counts[histogram_slot(h, value)]++;
}

/* Adds what `from` has seen; both have the same number of digits. */
void histogram_merge(struct histogram *into, const struct histogram *from);

/* The largest value that falls into the same slot as `value`: HdrHistogram's "highest equivalent value". */
uint64_t histogram_top_of(const struct histogram *h, uint64_t value);

uint64_t histogram_count(const struct histogram *h);

/* Of the middles of the slots. 0 where nothing was recorded. */
double histogram_mean(const struct histogram *h);
double histogram_variance(const struct histogram *h);

/* The smallest value that at least `percentile` percent of those recorded do not exceed (the top of its slot, but never more
 * than the largest that was recorded). 0 where nothing was recorded. */
uint64_t histogram_percentile(const struct histogram *h, double percentile);

/* Walks over percentiles as HdrHistogram's text format does: `ticks` steps for each halving of the distance to 100 %.
 *
 *     struct histogram_walk walk = histogram_walk(h, 5);
 *     while (histogram_walk_next(&walk))
 *         ... walk.value, walk.percentile (0 to 100), walk.count ...
 */
struct histogram_walk {
    uint64_t value;      /* top of its slot */
    double percentile;   /* the step's own level, at or below what the value reaches */
    uint64_t count;      /* of values up to this one */
    /* Private. */
    const struct histogram *h;
    uint64_t total;
    double level;
    unsigned ticks;
    size_t slot;
    bool started, ended;
};

struct histogram_walk histogram_walk(const struct histogram *h, unsigned ticks);
bool histogram_walk_next(struct histogram_walk *walk);

#endif
