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

/* How far a request has come that is not whole yet. */
enum part {
    PART_FIRST, /* its first bytes: the connection is idle no more */
    PART_HEAD,  /* more of its head */
    PART_BODY,  /* its head was there, or is now */
};

/* An order to the server as a whole, given on its control channel. */
struct order {
    const char *name;
    enum { ORDER_LISTEN, ORDER_PAUSE, ORDER_UNLISTEN } then; /* clients are accepted as before; left in the kernel
                                                                      until the last connection has ended; refused */
};

/* How much it takes. */
struct capacity {
    uint64_t open;              /* so many connections at once: further clients are left in the kernel; 0: no limit */
    uint64_t backlog;           /* so many as listen() is told; 0: many */
    uint64_t send_buffer_bytes; /* of a response that the client does not read (SO_SNDBUF); 0: as the kernel likes */
};

struct behaviour {
    const char *name;             /* lower case, words joined by '-' */
    const char *summary;          /* a sentence, for lists and help */
    const struct option *options; /* ends with one without a name; NULL: none of its own */
    size_t options_bytes;         /* size of the struct that they fill */
    size_t state_bytes;           /* of what it remembers of a connection: conn_state */
    bool resets;                  /* it ends connections with RST: refused on unix sockets, which have none */

    void (*accepted)(struct conn *c);    /* a client has come. Not for listeners that choose by request */
    void (*request)(struct conn *c);     /* a whole request has come, and its gate is passed. Absent: conn_reply(c, NULL) */
    void (*responded)(struct conn *c);   /* the kernel has taken the whole response, and the connection goes on */
    void (*tick)(struct conn *c);        /* the time given to conn_wait has passed */
    void (*peer_closed)(struct conn *c); /* the client's FIN while an answer is owed: present, the answer is still given and
                                            the connection closed behind it. Absent: closed at once */

    /* For those that imitate a real server. None of these is for listeners that choose by request. */
    void (*reading)(struct conn *c, enum part part); /* some bytes of a request have come, and it is not whole yet */
    void (*head)(struct conn *c);        /* a request's head has come, and the gate is passed; maybe its body is still to come.
                                            It may be answered from now on. Present: `request` only says that all is there,
                                            answered or not, and comes after this one */
    void (*wrong)(struct conn *c);       /* what has come is no request; nothing more is read. Absent: 400, and FIN */
    void (*sending)(struct conn *c);     /* the kernel has taken some bytes of a response, and not yet all */
    const struct order *orders;          /* what the server may be told to do; ends with one without a name */
    void (*ordered)(struct conn *c, const struct order *order); /* it is told: called for each connection that is open */
    void (*capacity)(const void *options, struct capacity *out); /* absent: no limit */
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
    OPTION_LIMIT,  /* int64_t: -1 for no limit, OPTION_UNSET (written as an empty text) for nothing said */
};
#define OPTION_UNSET INT64_MIN

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

/* What it remembers of this connection: state_bytes, zeroed at first. */
void *conn_state(struct conn *c);

/* How many requests this connection has brought, the one in hand included. */
uint64_t conn_requests(const struct conn *c);

/* Milliseconds: since the connection was accepted; since some moment that is the same for all. */
double conn_age_ms(const struct conn *c);
double conn_now_ms(void);

/* The head of the request in hand, or of the one that is wrong, as it came: up to HEAD_BYTES_MAX bytes, and maybe some of what
 * follows. Only for behaviours with a `head` hook. */
#define HEAD_BYTES_MAX 65536
const char *conn_head(const struct conn *c, size_t *bytes);

/* Whether nothing more of the request is to come; how much the client has sent behind it. */
bool conn_request_is_whole(const struct conn *c);
size_t conn_unread_bytes(const struct conn *c);

/* How many bytes of the request's body have come. */
uint64_t conn_body_bytes(const struct conn *c);

/* Whether nothing is under way: no part of a request has come, and no answer is owed. */
bool conn_is_idle(const struct conn *c);

/* How many connections of the same listener are open (no FIN or RST has been sent), this one included. */
uint64_t conn_siblings(const struct conn *c);

/* Calls `visit` for each of them that has the same behaviour with the same options, this one included; it may end it. */
void conn_visit_siblings(struct conn *c, void (*visit)(struct conn *sibling, void *user), void *user);

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

/* A response in the behaviour's own words. The end of the connection is the behaviour's, too. */
enum framing {
    FRAMING_LENGTH,    /* Content-Length */
    FRAMING_CHUNKED,
    FRAMING_END,       /* nothing says where it ends but the end of the connection */
    FRAMING_EMPTY,     /* Content-Length: 0 */
    FRAMING_NONE,      /* no body, and not a word about it: 101, 204, 304 */
};

struct answer {
    unsigned status;
    const char *reason;     /* may be empty */
    const char *fields;     /* header lines, each with its CRLF; the framing's not among them */
    enum framing framing;
    uint64_t body_bytes;    /* so many dots, or (0) "c<conn> r<request> <target>" */
    uint64_t missing_bytes; /* so many more are promised */
    bool empty;             /* no body, but the head that would go with it, as for a HEAD */
    bool keep;              /* what it promises, for the trace */
};

void conn_answer(struct conn *c, const struct answer *answer);

/* 100, before the answer. */
void conn_continue(struct conn *c, const char *reason);

/* From now on what the client sends is no HTTP any more: it is traced, and not answered. */
void conn_switch_protocol(struct conn *c);

/* Sends stray data now. */
void conn_send_stray(struct conn *c, enum stray what);

/* Sends bytes of any kind; `what` names them in the trace. */
void conn_send(struct conn *c, const char *data, size_t bytes, const char *what);

/* Calls `tick` after ms, never sooner. A later call replaces it; the end cancels it, and so does the first byte of the client's
 * next request: the connection is idle no more. */
void conn_wait(struct conn *c, double ms);
void conn_stop_waiting(struct conn *c);

/* Ends, each behind what is already on its way except RST, which may destroy bytes that the client has not taken in yet.
 * After FIN the server goes on reading: the client's own FIN is traced and the connection closed; bytes are traced as late
 * and answered with RST, as by a closed socket. */
void conn_end_fin(struct conn *c);
void conn_end_rst(struct conn *c);

/* FIN, but the socket is closed later. Until then, what the client sends is traced as late and acknowledged, and nothing else. */
struct lingering {
    double quiet_ms; /* closed when it has sent nothing for so long; 0: that does not matter */
    double total_ms; /* ... and in any case after this time */
    enum { LINGER_READS, LINGER_RST_IF_LATE, LINGER_RST } then; /* RST where something late has come, or in any case */
};
void conn_linger(struct conn *c, const struct lingering *how);

/* FIN as when the process ends: what the kernel has not taken yet is lost. */
void conn_end_now(struct conn *c);

/* FIN, but requests are still read (and traced), and never answered. */
void conn_half_close(struct conn *c);

/* Leaves what the client sends in the kernel, its FIN included, from now on. */
void conn_stop_reading(struct conn *c);

/* A word of the behaviour's own in the trace. */
void conn_mark(struct conn *c, const char *mark);

#endif
