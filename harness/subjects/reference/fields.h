/* fields.h - reads a command's fields; an absent one and null are the same (PROTOCOL: null is the API's nil). */
#ifndef FIELDS_H
#define FIELDS_H

#include <jansson.h>
#include <stdbool.h>

struct fields {
    const json_t *command;
    char error[160]; /* "" while all is well: the first thing that was wrong */
};

/* A field that has to be there. On a fault the value is empty and fields.error says what was wrong. */
const char *fields_string(struct fields *f, const char *name);
long fields_integer(struct fields *f, const char *name);

/* A field that may be there: true, and *out, if it is. */
bool fields_number_if(struct fields *f, const char *name, double *out);
bool fields_string_if(struct fields *f, const char *name, const char **out);

/* The first fault stays. */
void fields_fault(struct fields *f, const char *name, const char *wanted);

#endif
