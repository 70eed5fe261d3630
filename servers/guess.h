/* guess.h - says what somebody who mistyped a name may have meant. */
#ifndef GUESS_H
#define GUESS_H

#include <stddef.h>

#define GUESS_NAMES_MAX 256

/* The names that would have been right; borrowed. All zero: none yet. */
struct guess {
    const char *names[GUESS_NAMES_MAX];
    size_t count;
};

/* A name beyond GUESS_NAMES_MAX is left out. */
void guess_add(struct guess *g, const char *name);

/* Appends to the sentence in err: "; the nearest is "NAME"", or "; OTHERWISE" where nothing is near. */
void guess_say(const struct guess *g, const char *typed, char *err, size_t room, const char *otherwise);

#endif
