/* drill_words.h - the words of a drill: from text to what they mean, and back. Private to drill.c. */
#ifndef DRILL_WORDS_H
#define DRILL_WORDS_H

#include "pool/pool.h"

#define DRILL_TEXT_MAX 512 /* bytes of a line */
#define DRILL_NAMES 16     /* t0 to t15, c0 to c15 */

enum drill_fact {
    DRILL_DEADLINE, DRILL_REUSED, DRILL_HAS_POOL, DRILL_NO_POOL, DRILL_KEYS,
    DRILL_IDLE, DRILL_IN_USE, DRILL_CONNECTING, DRILL_WAITING, DRILL_FAILURES,
};

/* What follows a word, a letter each: t(icket), c(onnection), k(ey), s(een), r(eason), n(umber), d(eadline). */
struct drill_args {
    unsigned ticket, conn;
    char key[64];
    enum pool_seen seen;
    enum pool_reason reason;
    uint64_t number;
    uint64_t time_ns; /* since the start; POOL_UNLIMITED: never */
};

struct drill_options { /* NAME=VALUE */
    unsigned size, backlog;
    bool limited, has_polled;
    uint64_t timeout_ns, polled_ns, look_again_ns; /* 0: not given */
};

struct drill_verb {
    const char *name, *takes;
    int type;                        /* enum pool_event_type, pool_action_type or drill_fact; -1: none */
    const char *options;             /* that an event may have */
    const char *ticket, *conn;       /* the states in which those may be; NULL: any */
    const char *ticket_to, *conn_to; /* what becomes of them; NULL: nothing */
};

extern const struct drill_verb drill_events[], drill_actions[], drill_facts[]; /* the last of each has no name */

/* The one of that type; the table has it. */
const struct drill_verb *drill_verb_of(const struct drill_verb *verbs, int type);

/* These return NULL, or what is wrong with the words: a text that is good until the next call. `text` is cut up. */
const char *drill_read_step(char *text, const struct drill_verb *verbs, const struct drill_verb **verb, struct drill_args *args,
                            struct drill_options *options);
const char *drill_read_options(char *text, const char *allowed, struct drill_options *options);
const char *drill_read_time(const char *text, uint64_t *ns);
const char *drill_no_word(void); /* where one is missing */

/* As a script has it; appended to `text` of DRILL_TEXT_MAX bytes, behind a comma where that holds something. */
void drill_write(char *text, const struct drill_verb *verb, const struct drill_args *args);

#endif
