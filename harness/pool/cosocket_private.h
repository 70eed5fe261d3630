/* cosocket_private.h - what cosocket.c and cosocket_io.c share. */
#ifndef COSOCKET_PRIVATE_H
#define COSOCKET_PRIVATE_H

#include "pool/cosocket.h"
#include "pool/pool_ev.h"
#include "pool/resolve.h"

struct cosocket_pools {
    struct ev_loop *loop;
    struct pool_ev *ev;
    struct cosocket_config config;
    struct resolver *resolver; /* made when the first name is looked up */
    char *name_servers;
};

struct cosocket_buffer {
    char *data;
    size_t at, bytes, room; /* bytes [at, bytes) are live */
};

enum cosocket_pattern { COSOCKET_EXACTLY, COSOCKET_LINE, COSOCKET_ANY, COSOCKET_ALL };

struct cosocket {
    struct cosocket_pools *pools;
    cosocket_done *done;
    void *user;
    double connect_timeout_ms, send_timeout_ms, read_timeout_ms;

    struct net_addr addr;            /* of a numeric host, or a unix socket */
    char *host;                      /* as it was written */
    int port;
    struct resolve_query query;
    char *key;
    struct net_keepalive keepalive;  /* what the ticket points to, where it was asked for */
    struct pool_ev_ticket ticket;
    bool connecting;
    struct pool_ev_conn *conn;

    struct cosocket_buffer in;       /* received, not yet taken */
    bool reading;
    enum cosocket_pattern pattern;
    size_t wanted;
    size_t searched;                 /* of `in`: where the search for a line's end goes on */
    ev_timer read_timeout;

    struct cosocket_buffer to_write; /* copied where the kernel did not take it at once */
    size_t send_bytes;
    ev_timer send_timeout;

    bool owed[3];                    /* by enum cosocket_op: its connection is gone, and its answer is on the way */
    ev_timer tell;                   /* never started, only fed: that answer is given from the loop */

    char err[160];
};

enum cosocket_status cosocket_ok(struct cosocket_result *result);
enum cosocket_status cosocket_again(struct cosocket_result *result);
enum cosocket_status cosocket_fail(struct cosocket_result *result, const char *err);
const char *cosocket_errno_text(struct cosocket *sock, int err);

/* Closes the object's connection. What else was under way on it is answered "closed", from the loop. */
void cosocket_drop(struct cosocket *sock);

void cosocket_io_init(struct cosocket *sock);
void cosocket_io_reset(struct cosocket *sock);

/* The read or write under way will not be answered. */
void cosocket_io_forget(struct cosocket *sock, enum cosocket_op op);
bool cosocket_has_unread(const struct cosocket *sock);
bool cosocket_peer_has_ended(const struct cosocket *sock);

#endif
