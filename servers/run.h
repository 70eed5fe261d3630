/* run.h - runs a server's loop: signals, the loop's own lateness, an output that can no longer be written; and the books that
 * are told at the end. */
#ifndef RUN_H
#define RUN_H

#include "server.h"

#include <stdbool.h>

enum run_end {
    RUN_STOPPED,    /* ev_break, by somebody else */
    RUN_SIGNAL,     /* SIGINT or SIGTERM */
    RUN_OUTPUT_LOST /* s->out cannot be written; errno says why */
};

struct run {
    struct server *server;
    bool keep_serving; /* a lost output ends nothing: it is said on standard error, and forgotten */
    bool output_lost;
    enum run_end end;
    int lost_errno;
    uint64_t expected_ns, lag_ns; /* of the lag timer: its next time; its worst lateness */
    ev_signal interrupted, terminated;
    ev_timer lag;
    ev_prepare before_wait;
};

/* Readies the loop. From here on signals are kept for run_loop: call it before anybody is told that the server is there. */
void run_start(struct run *r, struct server *s, bool keep_serving);

/* Runs until one of the ends. */
enum run_end run_loop(struct run *r);

/* Tells a conn_books line for each connection, and the lag; nothing where there is no output. */
void run_tell_books(const struct run *r);

/* Lets go of everything: watchers, listeners, connections, gates, the output. */
void run_free(struct run *r);

/* The totals of all listeners by name; the caller's. */
json_t *run_books(const struct server *s);

#endif
