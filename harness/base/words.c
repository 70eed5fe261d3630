#include "base/words.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 64

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool words_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (!is_digit(*text) || value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return value >= min && value <= max;
}

/* strtod alone takes blanks, signs, hexadecimal, "inf" and "nan". Returns the end of the number, or NULL. */
static const char *decimal(const char *text, double *out)
{
    size_t bytes = strspn(text, "0123456789.");
    char *end;
    if (!is_digit(text[0]) || bytes >= NAME_BYTES_MAX)
        return NULL;
    char number[NAME_BYTES_MAX] = {0};
    memcpy(number, text, bytes);
    *out = strtod(number, &end);
    return *end ? NULL : text + bytes;
}

bool words_decimal(const char *text, double *out)
{
    const char *end = decimal(text, out);
    return end && !*end;
}

bool words_duration_ns(const char *text, uint64_t *out)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    const double longest = 10 * 365.25 * 86400e9;
    double value;
    const char *unit = decimal(text, &value);
    if (!unit)
        return false;
    if (!*unit && value <= 0) {
        *out = 0;
        return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(unit, units[i].name) == 0 && value * units[i].ns <= longest) {
            *out = (uint64_t)(value * units[i].ns + 0.5);
            return true;
        }
    return false;
}

/* How many letters to insert, delete, replace or swap with their neighbour to come from a to b. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NAME_BYTES_MAX + 1] = {{0}};
    size_t m = strlen(a), n = strlen(b);
    if (m > NAME_BYTES_MAX || n > NAME_BYTES_MAX)
        return SIZE_MAX;
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++)
        last[j] = j;
    for (size_t i = 1; i <= m; i++) {
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = last[j] + 1 < best ? last[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *old = before;
        before = last;
        last = row;
        row = old;
    }
    return last[n];
}

const char *words_nearest(const char *name, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t best = strlen(name) / 3 + 2; /* further away than this is another word, not a slip */
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(name, names[i]);
        if (d < best) {
            best = d;
            nearest = names[i];
        }
    }
    return nearest;
}
