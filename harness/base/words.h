/* words.h - reading what a person typed: numbers, durations, and what a mistyped name was probably meant to be.
 *
 * PURE. Everything is read strictly: a sign, a blank, or anything behind the number makes it no number. */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole number from min to max. */
bool words_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* A decimal number, "0.5" or "2000". */
bool words_decimal(const char *text, double *out);

/* A decimal number and its unit, "500ms", "1.5s", "2m" (us, ms, s, m, h), or a bare "0". At most ten years. */
bool words_duration_ns(const char *text, uint64_t *out);

/* Which of the `count` names is the nearest to `name`; NULL where none comes near enough to be worth a guess. */
const char *words_nearest(const char *name, const char *const *names, size_t count);

#endif
