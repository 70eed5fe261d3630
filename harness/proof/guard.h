/* guard.h - catches what would end the process: an assert that does not hold and, without a sanitizer, a wild pointer. */
#ifndef GUARD_H
#define GUARD_H

/* Calls body(user). Returns what it returns, or else what stopped it: static text, equal (strcmp) for equal causes. What the
 * body had allocated is lost then. */
const char *guard_call(const char *(*body)(void *user), void *user);

#endif
