/* client.h - HTTP/1.1 requests over the pool: each one is checkout, send, receive, check-in.
 *
 * A request is sent once, on one connection: nothing here ever retries, so that what a pool makes its user suffer stays
 * visible. A connection goes back to the pool only behind a whole response that lets it persist (RFC 9112 sections 6.3, 9.3,
 * 9.6); it is discarded after an error, a timeout, an announced close, bytes behind the response, or a response that began
 * before the request had been sent.
 *
 * The buffer that responses are received into and the cache of the last response head are the client's, one of each per
 * worker; a waiting connection costs no buffer. For one thread. */
#ifndef CLIENT_H
#define CLIENT_H

#include "base/http1.h"
#include "pool/pool_ev.h"

struct client;

struct client_config {
    uint64_t idle_timeout_ns; /* of each check-in; as in pool_ev_checkin: 0 is the pool's default, POOL_UNLIMITED none */
    unsigned pool_size;       /* of each check-in; as in pool_ev_checkin: 0 is the pool's default */
};

/* How far a request came. */
enum client_phase {
    CLIENT_CONNECT,  /* no connection yet */
    CLIENT_SEND,     /* the request is not sent in full */
    CLIENT_RECEIVE,  /* sent; not one byte of the response is here */
    CLIENT_RESPONSE, /* the response has begun */
    CLIENT_DONE,     /* the response is here in full, whatever its status */
};

/* "connect", "send", "receive", "response", "done". */
const char *client_phase_text(enum client_phase phase);

/* What went wrong: an errno value (always positive), or one of these. */
enum client_error {
    CLIENT_EOF = -1,          /* the peer closed before the response was complete */
    CLIENT_TIMEOUT = -2,      /* the request's time was up */
    CLIENT_BAD_RESPONSE = -3, /* not HTTP/1.x, or a switch of protocols that nobody asked for */
};

/* "EOF", "TIMEOUT", "BAD_RESPONSE", or the errno's name ("ECONNRESET"). Static. */
const char *client_error_text(int err);

/* What became of the request's connection. */
enum client_fate {
    CLIENT_NEVER_OPEN,
    CLIENT_KEPT,       /* it is idle in the pool (or was, until the pool was full) */
    CLIENT_DUBIOUS,    /* the pool found unread bytes at check-in, and closed it */
    CLIENT_LOST,       /* the pool found it closed or reset by the peer at check-in */
    CLIENT_CLOSED,     /* we closed it: the response or the request said so */
    CLIENT_SURPLUS,    /* we closed it: bytes behind the response, which is good */
    CLIENT_EARLY,      /* we closed it: the response began before the request had been sent; it is good */
    CLIENT_ABANDONED,  /* we closed it after an error, a timeout, or client_cancel */
};

/* One request. Zero it once; set the first part before each client_start; it may be started again from its own done. */
struct client_request {
    /* Set by the caller, and valid until the request is done. */
    const char *key;                 /* as in struct pool_ev_ticket */
    size_t key_bytes;
    const struct net_addr *addr;
    const char *bytes;               /* the request, head and body, as it goes over the wire; borrowed */
    size_t byte_count;
    bool is_head;                    /* a HEAD: its response has no body */
    bool closes;                     /* close the connection behind the response; `bytes` should announce it */
    bool want_local_port;            /* fill in local_port: costs a system call */
    uint64_t connect_timeout_ns;     /* 0: only the next one counts */
    uint64_t timeout_ns;             /* from client_start to the end of the response; 0: none */
    const struct http1_hooks *hooks; /* or NULL; they see the response as it comes, and may not touch the client. With hooks */
    void *hooks_user;                /* for fields the cache of heads is not used */
    void (*done)(struct client_request *request); /* the request is the caller's again */
    void *user;

    /* The answer. */
    enum client_phase phase;         /* CLIENT_DONE, or where it failed */
    int err;                         /* 0, or an errno value, or enum client_error */
    enum client_fate fate;
    unsigned status;                 /* of the response; 0 before its head is complete */
    unsigned reused;                 /* how often its connection had been reused: 0 on a new one */
    unsigned local_port;             /* 0 on a unix socket, or where nobody wanted it */
    /* Moments in clock_now_ns; 0 where it did not come to that. */
    uint64_t start_ns;               /* client_start */
    uint64_t checkout_ns;            /* a connection was there */
    uint64_t connect_ns;             /* not a moment: how long the connect took; 0 for a reused connection */
    uint64_t sent_ns;                /* just before the last byte of the request went to the kernel */
    uint64_t first_byte_ns;          /* just after the first byte of the response came */
    uint64_t done_ns;                /* just after its last one came, or the failure was seen; before the check-in */

    /* Private. */
    struct client *client;
    struct pool_ev_ticket ticket;
    struct pool_ev_conn *conn;
    struct http1 http;
    size_t sent;
    bool early;
    uint64_t deadline_ns;            /* 0: none */
    struct client_request *sooner, *later; /* among those with a deadline */
};

/* The pool stays the caller's and must outlive the client. NULL where memory is out. */
struct client *client_new(struct ev_loop *loop, struct pool_ev *pool, const struct client_config *config);

/* No request may be under way. */
void client_free(struct client *client);

/* Returns true: done will be called, later, from the loop. False: the request has failed at once, its answer is filled in,
 * and done is not called. So a caller that starts the next one from done never recurses. */
bool client_start(struct client *client, struct client_request *request);

/* Gives up a request that is under way: its connection is closed, done is not called; the answer says how far it came. */
void client_cancel(struct client_request *request);

#endif
