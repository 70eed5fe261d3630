/* reply.h - the bytes of a response. Pure: a request and the wishes of a behaviour in, bytes out. */
#ifndef REPLY_H
#define REPLY_H

#include "behaviour.h"

/* What a response depends on. */
struct reply_to {
    uint32_t conn;
    uint64_t req;
    const char *target;
    size_t target_bytes;
    size_t body_bytes;      /* pad the body to this length */
    bool head_only;         /* the request was a HEAD */
    bool keep;              /* the client would go on */
    bool say_keep;          /* write Connection: keep-alive even where it is the default */
};

struct reply_text {
    const char *data;    /* valid until the next call */
    size_t bytes;        /* of the response as it is sent: a cut one is shorter than it says of itself */
    size_t glued_bytes;  /* the stray bytes that follow it in data, */
    const char *glued_name; /* ... and what the trace calls them */
    bool keep;           /* what its head promises */
};

void reply_write(struct reply_text *out, const struct reply *how, const struct reply_to *to);

/* The same for an answer in the behaviour's own words; of `to` only conn, req and target count. */
void reply_answer(struct reply_text *out, const struct answer *answer, const struct reply_to *to);

/* The bytes of one kind of stray data, on behalf of connection `conn`; `name` is what the trace calls it. */
struct reply_stray {
    const char *name;
    size_t bytes;
    char data[256];
};
void reply_stray(struct reply_stray *out, enum stray what, uint32_t conn);

#endif
