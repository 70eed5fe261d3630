/* request.h - the reference subject's request level: the protocol's `request` over harness/client. */
#ifndef REQUEST_H
#define REQUEST_H

#include "base/jsonl.h"
#include "pool/pool_ev.h"
#include "subjects/reference/fields.h"

struct requests;

/* All requests of one worker. NULL where memory is out. */
struct requests *requests_new(struct ev_loop *loop, struct jsonl *replies, struct pool_ev *pool);

/* Gives up what is still under way. */
void requests_free(struct requests *all);

/* Starts one and answers it, now or later. On a bad field: f->error, and no answer. */
void requests_start(struct requests *all, json_t *id, struct fields *f);

/* Gives up the request of this id and answers it "cancelled". False: there is none. */
bool requests_cancel(struct requests *all, json_t *id);

#endif
