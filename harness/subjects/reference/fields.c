#include "subjects/reference/fields.h"

#include <stdio.h>

static const json_t *get(const struct fields *f, const char *name)
{
    const json_t *value = json_object_get(f->command, name);
    return json_is_null(value) ? NULL : value;
}

void fields_fault(struct fields *f, const char *name, const char *wanted)
{
    if (!*f->error)
        snprintf(f->error, sizeof f->error, "`%s` must be %s", name, wanted);
}

const char *fields_string(struct fields *f, const char *name)
{
    const json_t *value = get(f, name);
    if (json_is_string(value))
        return json_string_value(value);
    fields_fault(f, name, "a string");
    return "";
}

bool fields_string_if(struct fields *f, const char *name, const char **out)
{
    if (!get(f, name))
        return false;
    *out = fields_string(f, name);
    return true;
}

long fields_integer(struct fields *f, const char *name)
{
    const json_t *value = get(f, name);
    if (json_is_integer(value))
        return (long)json_integer_value(value);
    fields_fault(f, name, "an integer");
    return 0;
}

bool fields_number_if(struct fields *f, const char *name, double *out)
{
    const json_t *value = get(f, name);
    if (!value)
        return false;
    if (json_is_number(value))
        *out = json_number_value(value);
    else
        fields_fault(f, name, "a number");
    return true;
}
