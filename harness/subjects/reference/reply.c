#include "subjects/reference/adapter_private.h"

#include <stdio.h>

void adapter_protocol_error(struct jsonl *replies, json_t *id, const char *why)
{
    char text[256];
    snprintf(text, sizeof text, "protocol: %s", why);
    jsonl_write(replies, json_pack("{s:O?,s:b,s:o}", "id", id, "ok", 0, "err", jsonl_words(text)));
}

json_t *reply_ok(json_t *id)
{
    return json_pack("{s:O,s:b}", "id", id, "ok", 1);
}

json_t *reply_error(json_t *id, const char *err)
{
    return json_pack("{s:O,s:b,s:o}", "id", id, "ok", 0, "err", jsonl_words(err));
}

json_t *reply_to(json_t *id, const struct cosocket *sock, enum cosocket_op op, const struct cosocket_result *result)
{
    bool is_ok = result->status == COSOCKET_OK;
    json_t *reply = is_ok ? reply_ok(id) : reply_error(id, result->err);
    if (op == COSOCKET_RECEIVE)
        json_object_set_new(reply, is_ok ? "data" : "partial", jsonl_bytes(result->data ? result->data : "", result->bytes));
    if (is_ok && op == COSOCKET_CONNECT) {
        json_object_set_new(reply, "reused", json_integer(result->reused));
        json_object_set_new(reply, "local_port", json_integer(cosocket_local_port(sock)));
    } else if (is_ok && op == COSOCKET_SEND) {
        json_object_set_new(reply, "sent", json_integer((json_int_t)result->sent));
    }
    return reply;
}
