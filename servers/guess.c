#include "guess.h"

#include "base/words.h"

#include <stdio.h>
#include <string.h>

void guess_add(struct guess *g, const char *name)
{
    if (g->count < GUESS_NAMES_MAX)
        g->names[g->count++] = name;
}

void guess_say(const struct guess *g, const char *typed, char *err, size_t room, const char *otherwise)
{
    const char *nearest = words_nearest(typed, g->names, g->count);
    size_t at = strlen(err);
    if (nearest)
        snprintf(err + at, room - at, "; the nearest is \"%s\"", nearest);
    else
        snprintf(err + at, room - at, "; %s", otherwise);
}
