/* registry.h - the behaviours that are linked into this program. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "behaviour.h"

#include <jansson.h>

/* NULL, with a sentence of OPTIONS_ERR_BYTES in err, where there is none of that name. */
const struct behaviour *registry_find(const char *name, char *err);

/* The i-th, by name; NULL behind the last. */
const struct behaviour *registry_at(size_t i);

/* A list of {name, summary, options} for programs to read; the caller's. */
json_t *registry_describe(void);

#endif
