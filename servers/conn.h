/* conn.h - one connection of a client: reads its requests, answers them as its behaviour says, records what happens.
 *
 * The verbs that a behaviour has are in behaviour.h; they work on a connection from outside a hook too, followed by
 * conn_settle. */
#ifndef CONN_H
#define CONN_H

#include "base/http1.h"
#include "behaviour.h"
#include "buffer.h"
#include "gate.h"
#include "listener.h"

#include <ev.h>

#define CONN_TARGET_BYTES TRACE_TEXT_BYTES_MAX

enum conn_output {
    CONN_OPEN,
    CONN_FIN_DUE,  /* FIN goes behind what is still unsent */
    CONN_HALF_DUE,
    CONN_FIN_SENT, /* whatever the client still sends is late */
    CONN_HALF_SENT,
};

struct conn {
    LIST_ENTRY(conn) link; /* in its listener */
    struct listener *listener;
    const struct plan_entry *entry; /* NULL: by request, and none has come */
    struct record_page page;
    double accepted_ms;     /* by conn_now_ms */

    ev_io io;               /* its fd is ours; -1 once it is closed */
    ev_timer timer;
    uint64_t due_ns;        /* when the tick is due; 0: none is */
    struct gate_waiter waiter;

    void *state;            /* the behaviour's own; NULL where it has none */

    struct http1 request;   /* the one in hand, or the last */
    bool request_begun;     /* some of its bytes have come, and not all */
    bool served;            /* the behaviour has been called for it */
    bool answer_owed;       /* the behaviour may answer it, and the answer is not with the kernel yet */
    bool reads;             /* false: what comes stays in the kernel */
    bool closes_unread;     /* the next bytes are not read: the descriptor is closed over them */
    bool fin_seen;
    bool deaf;              /* something wrong has come: what follows it is not looked at */
    bool switched;          /* to another protocol */
    struct buffer head;     /* of the request in hand, for behaviours that look at it */
    size_t request_bytes;
    size_t target_bytes;
    char target[CONN_TARGET_BYTES]; /* its beginning, where it is longer */
    size_t behind_bytes;    /* what has come in the same piece behind the request in hand, */
    struct buffer unread;   /* ... and what came later, while it had no answer */

    enum conn_output output;
    struct lingering linger;   /* once the FIN is due; all zero: bytes that come behind it are reset */
    uint64_t linger_end_ns; /* 0: the socket is as good as closed */
    bool late;              /* bytes have come behind the FIN */
    struct buffer unsent;
    size_t drip_bytes;      /* not 0: `unsent` leaves in such pieces, */
    double drip_ms;         /* ... so far apart */
    struct {
        bool whole;         /* the response in `unsent` is not cut: what follows it is up to conn.c */
        bool then_fin;
        bool keep;          /* what its head promises */
        bool told;          /* its event is recorded */
        unsigned status;
        size_t bytes;
    } response;
};

/* Takes over fd. */
void conn_new(struct listener *l, int fd, unsigned peer_port);

/* Closes the connection where it is open, and gives it back. */
void conn_free(struct conn *c);

/* One urgent byte (MSG_OOB); TCP only. */
void conn_send_urgent(struct conn *c, char byte);

/* Gives the descriptor up: a FIN, and what comes later is the kernel's to answer; the server sees no more of it. */
void conn_close_now(struct conn *c);

/* Closes the descriptor as soon as bytes have come that nobody has read: the kernel makes that a RST, without a FIN before it. */
void conn_close_unread(struct conn *c);

/* To be called after verbs that were used outside a hook: brings the watchers up to date, or frees c where it has ended. */
void conn_settle(struct conn *c);

/* The open connection of that number; NULL: there is none. */
struct conn *conn_find(struct server *s, uint64_t number);

/* --- between conn.c, conn_read.c, conn_send.c and conn_end.c --------------------------------------------------------- */

static inline bool conn_is_closed(const struct conn *c) { return c->io.fd < 0; }

static inline bool conn_is_unix(const struct conn *c) { return c->listener->address.sa.ss_family == AF_UNIX; }

/* Closes the descriptor, by net_end_fin or net_end_rst. c stays until conn_settle: a hook may be running on it. */
void conn_close(struct conn *c, void (*how)(int fd));

/* The client's RST, or what else made a call on the socket fail. */
void conn_peer_reset(struct conn *c, int err);

/* Takes what has come: requests, or what is late. */
void conn_take(struct conn *c, const char *data, size_t bytes);
void conn_take_unread(struct conn *c);

/* Its waiter has passed a gate. */
void conn_on_gate_passed(struct gate_waiter *w);

/* Sends bytes, and keeps what the kernel does not take; conn_send_unsent goes on with that. */
void conn_write(struct conn *c, const char *data, size_t bytes);
void conn_send_unsent(struct conn *c);

/* Sends the next piece of a response that is sent in pieces. */
void conn_drip(struct conn *c);

/* The FIN that was due. */
void conn_send_fin(struct conn *c);

/* Bytes have come behind the FIN. */
void conn_take_late(struct conn *c, size_t bytes);

void conn_on_timer(struct ev_loop *loop, ev_timer *timer, int revents);

#endif
