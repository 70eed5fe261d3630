/* serve_help.h - what `serve --help` prints. */
#ifndef SERVE_HELP_H
#define SERVE_HELP_H

#include "plan.h"

/* The whole help; where the plan has behaviours, only theirs. */
void serve_help(const struct plan *plan);

#endif
