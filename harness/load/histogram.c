#include "load/histogram.h"

#include <assert.h>

static unsigned half_bits_of(unsigned digits)
{
    uint64_t exact = 2;
    unsigned bits = 0;
    assert(digits >= 1 && digits <= 5);
    while (digits--)
        exact *= 10;
    while (UINT64_C(1) << bits < exact)
        bits++;
    return bits - 1;
}

static unsigned buckets_of(unsigned half_bits)
{
    unsigned buckets = 1;
    while (UINT64_C(2) << (half_bits + buckets - 1) <= HISTOGRAM_HIGHEST)
        buckets++;
    return buckets;
}

/* The first bucket has two halves; of each other one the lower half is what the one before it covers already. */
static size_t slots_of(unsigned half_bits)
{
    return (size_t)(buckets_of(half_bits) + 1) << half_bits;
}

size_t histogram_bytes(unsigned digits)
{
    return sizeof(struct histogram) + slots_of(half_bits_of(digits)) * sizeof(uint64_t);
}

void histogram_init(struct histogram *h, unsigned digits)
{
    h->half_bits = half_bits_of(digits);
    h->buckets = buckets_of(h->half_bits);
    h->slots = slots_of(h->half_bits);
    h->min = UINT64_MAX;
    h->max = 0;
}

static bool is_empty(const struct histogram *h)
{
    return h->min > h->max;
}

/* Slots outside [first, end) are zero, and reading them would make the kernel find memory for them. */
static size_t first_slot(const struct histogram *h)
{
    return is_empty(h) ? 0 : histogram_slot(h, h->min);
}

static size_t end_slot(const struct histogram *h)
{
    return is_empty(h) ? 0 : histogram_slot(h, h->max) + 1;
}

static unsigned width_bits(const struct histogram *h, size_t slot)
{
    size_t half = slot >> h->half_bits;
    return half < 2 ? 0 : (unsigned)half - 1;
}

static uint64_t bottom(const struct histogram *h, size_t slot)
{
    unsigned bits = width_bits(h, slot);
    return (uint64_t)(slot - ((size_t)bits << h->half_bits)) << bits;
}

static uint64_t top(const struct histogram *h, size_t slot)
{
    return bottom(h, slot) + (UINT64_C(1) << width_bits(h, slot)) - 1;
}

static double middle(const struct histogram *h, size_t slot)
{
    return (double)(bottom(h, slot) + ((UINT64_C(1) << width_bits(h, slot)) >> 1));
}

uint64_t histogram_top_of(const struct histogram *h, uint64_t value)
{
    return top(h, histogram_slot(h, value));
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    assert(into->half_bits == from->half_bits);
    for (size_t i = first_slot(from); i < end_slot(from); i++)
        if (from->counts[i])
            into->counts[i] += from->counts[i];
    if (from->min < into->min)
        into->min = from->min;
    if (from->max > into->max)
        into->max = from->max;
}

uint64_t histogram_count(const struct histogram *h)
{
    uint64_t total = 0;
    for (size_t i = first_slot(h); i < end_slot(h); i++)
        total += h->counts[i];
    return total;
}

double histogram_mean(const struct histogram *h)
{
    uint64_t total = histogram_count(h);
    double sum = 0;
    for (size_t i = first_slot(h); i < end_slot(h); i++)
        sum += (double)h->counts[i] * middle(h, i);
    return total ? sum / (double)total : 0;
}

double histogram_variance(const struct histogram *h)
{
    uint64_t total = histogram_count(h);
    double mean = histogram_mean(h), sum = 0;
    for (size_t i = first_slot(h); i < end_slot(h); i++)
        sum += (double)h->counts[i] * (middle(h, i) - mean) * (middle(h, i) - mean);
    return total ? sum / (double)total : 0;
}

/* How many values make `percentile` percent of all, rounded up: at least one. */
static uint64_t rank(uint64_t total, double percentile)
{
    double exact = percentile / 100 * (double)total;
    uint64_t whole = (uint64_t)exact;
    /* 99.9 / 100 * 1000 is a hair more than 999: that hair is the machine's, not a further value. */
    if (exact - (double)whole > 1e-12 * (double)total)
        whole++;
    return whole < 1 ? 1 : whole > total ? total : whole;
}

uint64_t histogram_percentile(const struct histogram *h, double percentile)
{
    uint64_t total = histogram_count(h), seen = 0;
    if (total == 0)
        return 0;
    uint64_t wanted = rank(total, percentile);
    size_t slot = first_slot(h);
    while ((seen += h->counts[slot]) < wanted)
        slot++;
    uint64_t value = top(h, slot);
    return value < h->max ? value : h->max;
}

struct histogram_walk histogram_walk(const struct histogram *h, unsigned ticks)
{
    return (struct histogram_walk){.h = h, .total = histogram_count(h), .ticks = ticks, .slot = first_slot(h)};
}

/* The next level: the distance to 100 % is halved in `ticks` steps, again and again. */
static double next_level(double level, unsigned ticks)
{
    double halvings = 2;
    while (100 / (100 - level) >= halvings)
        halvings *= 2;
    return level + 100 / (ticks * halvings);
}

static bool last_step(struct histogram_walk *walk)
{
    if (walk->ended)
        return false;
    walk->ended = true;
    walk->percentile = 100;
    return walk->total > 0;
}

bool histogram_walk_next(struct histogram_walk *walk)
{
    const struct histogram *h = walk->h;
    if (walk->count == walk->total)
        return last_step(walk);
    if (!walk->started) {
        walk->started = true;
        walk->count = h->counts[walk->slot];
    }
    while (h->counts[walk->slot] == 0 || 100 * (double)walk->count / (double)walk->total < walk->level)
        walk->count += h->counts[++walk->slot];
    walk->value = top(h, walk->slot);
    walk->percentile = walk->level;
    walk->level = next_level(walk->level, walk->ticks);
    return true;
}
