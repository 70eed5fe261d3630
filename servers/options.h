/* options.h - reads and describes the typed options of behaviour.h. `options` ends with one without a name; NULL is an empty
 * list. Sentences go to a buffer of OPTIONS_ERR_BYTES. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "behaviour.h"

#include <jansson.h>

#define OPTIONS_ERR_BYTES 512

const struct option *options_find(const struct option *options, const char *name);

/* How it is written on a command line: after_ms is --after-ms. flag holds OPTIONS_FLAG_BYTES. */
#define OPTIONS_FLAG_BYTES 64
void options_flag(const struct option *option, char *flag);

/* Sets every option in the struct at `to`, which was zeroed, to its default. */
void options_init(const struct option *options, void *to);

/* Sets one option from its text. Returns 0, or -1 with a sentence and the struct as it was. */
int options_set(const struct option *option, void *to, const char *text, char *err);

/* Frees the texts. */
void options_free(const struct option *options, void *to);

/* A list of {name, type, default, help, choices}; the caller's. */
json_t *options_describe(const struct option *options);

#endif
