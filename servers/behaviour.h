/* behaviour.h - how a mock server misbehaves: one small file each, and this is all that it includes.
 *
 * A behaviour is a const struct: a name, a sentence, typed options, and hooks that the server calls as a connection lives.
 * Every hook may be absent; without any, the server is correct (behaviours/ok.c). A hook acts with the verbs below.
 * Being linked is being registered: a new file under behaviours/ is found by its name, and no list is edited. */
#ifndef BEHAVIOUR_H
#define BEHAVIOUR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn; /* a client's connection */

/* --- what a behaviour is ------------------------------------------------------------------------------------------- */

struct behaviour {
    const char *name;             /* lower case, words joined by '-' */
    const char *summary;          /* a sentence, for lists and help */
    const struct option *options; /* ends with one without a name; NULL: none of its own */
    size_t options_bytes;         /* size of the struct that they fill */
    bool resets;                  /* it ends connections with RST: refused on unix sockets, which have none */

    void (*accepted)(struct conn *c);    /* a client has come. Not for listeners that choose by request */
    void (*request)(struct conn *c);     /* a whole request has come, and its gate is passed. Absent: conn_reply(c, NULL) */
    void (*responded)(struct conn *c);   /* the kernel has taken the whole response, and the connection goes on */
    void (*tick)(struct conn *c);        /* the time given to conn_wait has passed */
    void (*peer_closed)(struct conn *c); /* the client's FIN while an answer is owed: present, the answer is still given and
                                            the connection closed behind it. Absent: closed at once */
};

/* Registers `symbol`; use as  BEHAVIOUR(symbol) = { .name = ..., };  (The linker gathers the pointers of all files.) */
#define BEHAVIOUR(symbol)                                                                           \
    static const struct behaviour symbol;                                                           \
    static const struct behaviour *const symbol##_registered                                        \
        __attribute__((used, section("behaviours"))) = &symbol;                                     \
    static const struct behaviour symbol

/* --- options ------------------------------------------------------------------------------------------------------- */

enum option_type {
    OPTION_BOOL,   /* bool */
    OPTION_COUNT,  /* uint64_t */
    OPTION_MS,     /* double: milliseconds, fractions allowed, not negative */
    OPTION_CHOICE, /* unsigned: which of `choices` */
    OPTION_TEXT,   /* char *, the server's */
};

struct option {
    const char *name;
    enum option_type type;
    size_t at;           /* offsetof in the behaviour's struct */
    const char *initial; /* the default, written as on a command line */
    const char *help;
    const char *choices; /* "one|two|three" */
};

/* An option is named after its member. */
#define OPTION(type, in, member, initial, help) {#member, type, offsetof(in, member), initial, help, NULL}
#define OPTION_ONE_OF(choices, in, member, initial, help) \
    {#member, OPTION_CHOICE, offsetof(in, member), initial, help, choices}

/* The struct that this connection's options fill. */
const void *conn_options(const struct conn *c);

/* --- what a hook may ask ------------------------------------------------------------------------------------------- */

/* How many requests this connection has brought, the one in hand included. */
uint64_t conn_requests(const struct conn *c);

/* --- verbs --------------------------------------------------------------------------------------------------------- */

/* Stray data: bytes that answer no request. */
enum stray {
    STRAY_NONE,
    STRAY_BYTE, /* 'X' */
    STRAY_CRLF, /* an empty line, which careless servers send behind a body */
    STRAY_408,  /* a whole 408 answer, as servers send it to a client that is too slow */
    STRAY_200,  /* a whole forged 200 answer; its body names request 0, which nobody made */
};
#define STRAY_CHOICES "byte|crlf|408|200" /* choice n is enum stray n + 1 */

enum reply_cut {
    REPLY_WHOLE,
    REPLY_CUT_HEAD, /* send only the first half of the head */
    REPLY_CUT_BODY, /* send the head and the first half of the body */
};

/* How a response differs from a correct one; all zero: it does not. */
struct reply {
    bool http10;           /* speak HTTP/1.0, where staying open has to be said */
    bool close;            /* announce the end of the connection; FIN goes behind it */
    bool stay_open;        /* ... but does not, after all */
    uint64_t keep_alive_s; /* not 0: announce Keep-Alive: timeout=N */
    enum reply_cut cut;    /* a cut reply is the hook's to end: no `responded` follows */
    enum stray glued;      /* goes behind the response, in the same write */
    size_t drip_bytes;     /* not 0: send so many bytes at a time, */
    double drip_ms;        /* ... so far apart */
};

/* Answers the request in hand, once: "c<conn> r<request> <target>". NULL is the correct answer. A client that asked for the
 * end of the connection gets it in any case. May be called later than the request hook, from a tick. */
void conn_reply(struct conn *c, const struct reply *how);

/* Sends stray data now. */
void conn_send_stray(struct conn *c, enum stray what);

/* Sends bytes of any kind; `what` names them in the trace. */
void conn_send(struct conn *c, const char *data, size_t bytes, const char *what);

/* Calls `tick` after ms, never sooner. A later call replaces it; the end cancels it, and so does the client's next byte where no
 * answer is owed: the connection is idle no more. */
void conn_wait(struct conn *c, double ms);

/* Ends, each behind what is already on its way except RST, which may destroy bytes that the client has not taken in yet.
 * After FIN the server goes on reading: the client's own FIN is traced and the connection closed; bytes are traced as late
 * and answered with RST, as by a closed socket. */
void conn_end_fin(struct conn *c);
void conn_end_rst(struct conn *c);

/* FIN, but requests are still read (and traced), and never answered. */
void conn_half_close(struct conn *c);

/* Leaves what the client sends in the kernel, its FIN included, from now on. */
void conn_stop_reading(struct conn *c);

/* A word of the behaviour's own in the trace. */
void conn_mark(struct conn *c, const char *mark);

#endif
