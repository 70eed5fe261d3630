/* adapter.h - one worker of the reference subject: commands of the subject protocol in, replies out.
 *
 * An adapter owns its sockets, its pools and the commands that wait; it writes every reply to the jsonl it is given. */
#ifndef ADAPTER_H
#define ADAPTER_H

#include "base/jsonl.h"
#include "pool/cosocket.h"

struct adapter;

/* NULL where memory is out. `replies` must outlive it. */
struct adapter *adapter_new(struct ev_loop *loop, struct jsonl *replies);
void adapter_free(struct adapter *a);

/* Takes one command; `command` is borrowed. */
void adapter_command(struct adapter *a, json_t *command);

/* A line that could not be understood: answered so. `id` may be NULL. */
void adapter_protocol_error(struct jsonl *replies, json_t *id, const char *why);

/* Whether nothing but configure has been asked for yet. */
bool adapter_is_fresh(const struct adapter *a);

#endif
