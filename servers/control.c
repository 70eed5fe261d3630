#include "control.h"

#include "conn.h"
#include "guess.h"
#include "listener.h"
#include "options.h"
#include "run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What an op is called with. It returns the members of its reply (the caller's), or NULL with a sentence in err. */
struct call {
    struct server *server;
    json_t *line;
    char err[OPTIONS_ERR_BYTES];
};

__attribute__((format(printf, 2, 3))) static json_t *refuse(struct call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(call->err, sizeof call->err, format, args);
    va_end(args);
    return NULL;
}

static const char *text_of(const struct call *call, const char *key)
{
    return json_string_value(json_object_get(call->line, key));
}

/* The place of `word` in a list that ends with NULL; -1, with a sentence, where it is not in there. */
static int place_of(struct call *call, const char *what, const char *word, const char *const *list)
{
    struct guess guess = {0};
    for (int i = 0; list[i]; i++) {
        if (strcmp(word, list[i]) == 0)
            return i;
        guess_add(&guess, list[i]);
    }
    refuse(call, "there is no %s \"%.100s\"", what, word);
    guess_say(&guess, word, call->err, sizeof call->err, "nothing is near it");
    return -1;
}

/* The same for the value of a member; absent: 0, the default. */
static int choice_of(struct call *call, const char *key, const char *const *list)
{
    const json_t *value = json_object_get(call->line, key);
    const char *word = json_string_value(value);
    return value ? place_of(call, key, word ? word : "", list) : 0;
}

/* --- listen, unlisten, order ---------------------------------------------------------------------------------------------- */

static int read_plan(struct call *call, struct plan *plan)
{
    size_t i;
    json_t *entry;
    plan->cycle = json_is_true(json_object_get(call->line, "cycle"));
    json_array_foreach(json_object_get(call->line, "behaviours"), i, entry)
        if (plan_add_json(plan, entry, call->err) < 0)
            return -1;
    return 0;
}

static json_t *listen_op(struct call *call)
{
    static const char *const ons[] = {"connection", "request", NULL};
    static const char *const traces[] = {"full", "counters", "pages", "none", NULL};
    static const enum record_level levels[] = {RECORD_EVENTS, RECORD_COUNTERS, RECORD_PAGES, RECORD_TOTALS};
    struct listener_config config = {.name = text_of(call, "name"), .address = text_of(call, "address")};
    char address[NET_TEXT_BYTES];

    if (!config.name || !config.address)
        return refuse(call, "listen needs a name and an address");
    if (listener_find(call->server, config.name))
        return refuse(call, "there is a listener \"%.100s\" already", config.name);
    int on = choice_of(call, "on", ons);
    int trace = on < 0 ? -1 : choice_of(call, "trace", traces);
    if (trace < 0)
        return NULL;
    config.by_request = on == 1;
    config.level = levels[trace];
    if (read_plan(call, &config.plan) < 0) {
        plan_free(&config.plan);
        return NULL;
    }
    struct listener *l = listener_new(call->server, &config, call->err);
    if (!l)
        return NULL;
    net_format(&l->address, address);
    return json_pack("{s:s, s:i}", "address", address, "port", (int)net_port(&l->address));
}

/* The one that is named; NULL, with a sentence. */
static struct listener *listener_of(struct call *call)
{
    const char *name = text_of(call, "name");
    struct listener *l = name ? listener_find(call->server, name) : NULL;
    if (!l)
        refuse(call, "there is no listener \"%.100s\"", name ? name : "");
    return l;
}

static json_t *unlisten_op(struct call *call)
{
    struct listener *l = listener_of(call);
    if (!l)
        return NULL;
    listener_stop(l);
    return json_object();
}

static json_t *order_op(struct call *call)
{
    const char *order = text_of(call, "order");
    struct listener *l = listener_of(call);
    return l && listener_order(l, order ? order : "", call->err) == 0 ? json_object() : NULL;
}

/* --- release, act -------------------------------------------------------------------------------------------------- */

static json_t *release_op(struct call *call)
{
    const char *gate = text_of(call, "gate");
    const json_t *count = json_object_get(call->line, "count");
    json_int_t permits = count ? json_integer_value(count) : 1;
    if (!gate || !*gate)
        return refuse(call, "release needs the name of a gate");
    if (permits < 1)
        return refuse(call, "count is a whole number, 1 or more");
    gate_release(&call->server->gates, gate, (uint64_t)permits);
    return json_object();
}

enum act { ACT_FIN, ACT_HALF_CLOSE, ACT_SEND, ACT_URGENT, ACT_CLOSE, ACT_CLOSE_UNREAD, ACT_RST, ACT_STOP_READING };
static const char *const act_names[] = {"fin", "half_close", "send", "urgent", "close", "close_unread", "rst", "stop_reading",
                                        NULL};

static bool may_act(struct call *call, const struct conn *c, enum act act)
{
    if (act < ACT_RST && c->output != CONN_OPEN)
        refuse(call, "connection %u has had its FIN", c->page.conn);
    else if ((act == ACT_RST || act == ACT_URGENT || act == ACT_CLOSE_UNREAD) && conn_is_unix(c))
        refuse(call, "%s needs TCP", act_names[act]);
    else
        return true;
    return false;
}

static bool act_with_data(struct call *call, struct conn *c, bool urgent)
{
    size_t bytes = 0;
    char *data = jsonl_get_bytes(json_object_get(call->line, "data"), &bytes);
    bool fits = data && (urgent ? bytes == 1 : bytes > 0);
    if (!fits)
        refuse(call, urgent ? "urgent needs data of one byte" : "send needs data");
    else if (urgent)
        conn_send_urgent(c, *data);
    else
        conn_send(c, data, bytes, "data");
    free(data);
    return fits;
}

static bool act_on(struct call *call, struct conn *c, enum act act)
{
    switch (act) {
    case ACT_FIN:
        conn_end_fin(c);
        break;
    case ACT_HALF_CLOSE:
        conn_half_close(c);
        break;
    case ACT_SEND:
    case ACT_URGENT:
        return act_with_data(call, c, act == ACT_URGENT);
    case ACT_CLOSE:
        conn_close_now(c);
        break;
    case ACT_CLOSE_UNREAD:
        conn_close_unread(c);
        break;
    case ACT_RST:
        conn_end_rst(c);
        break;
    case ACT_STOP_READING:
        conn_stop_reading(c);
        break;
    }
    return true;
}

static json_t *act_op(struct call *call)
{
    const char *name = text_of(call, "do");
    json_int_t number = json_integer_value(json_object_get(call->line, "conn"));
    struct conn *c = number > 0 ? conn_find(call->server, (uint64_t)number) : NULL;
    int act = place_of(call, "act", name ? name : "", act_names);
    if (act < 0)
        return NULL;
    if (!c)
        return refuse(call, "connection %lld is not open", (long long)number);
    bool done = may_act(call, c, (enum act)act) && act_on(call, c, (enum act)act);
    conn_settle(c);
    return done ? json_object() : NULL;
}

/* --- books, quit --------------------------------------------------------------------------------------------------- */

static json_t *books_op(struct call *call)
{
    return json_pack("{s:o}", "listeners", run_books(call->server));
}

/* Answered by control_main, when everything is told. */
static json_t *quit_op(struct call *call)
{
    ev_break(call->server->loop, EVBREAK_ALL);
    return NULL;
}

/* --- lines --------------------------------------------------------------------------------------------------------- */

static const char *const op_names[] = {"listen", "unlisten", "release", "act", "order", "books", "quit", NULL};

static const struct op {
    json_t *(*call)(struct call *call);
    const char *const *members; /* besides id and op */
} ops[] = {
    {listen_op, (const char *const[]){"name", "address", "on", "cycle", "behaviours", "trace", NULL}},
    {unlisten_op, (const char *const[]){"name", NULL}},
    {release_op, (const char *const[]){"gate", "count", NULL}},
    {act_op, (const char *const[]){"conn", "do", "data", NULL}},
    {order_op, (const char *const[]){"name", "order", NULL}},
    {books_op, (const char *const[]){NULL}},
    {quit_op, (const char *const[]){NULL}},
};

/* A mistyped member would otherwise be as good as absent, and nobody would know. */
static bool members_known(struct call *call, const struct op *op)
{
    const char *key;
    json_t *value;
    json_object_foreach(call->line, key, value)
        if (strcmp(key, "id") != 0 && strcmp(key, "op") != 0 && place_of(call, "member", key, op->members) < 0)
            return false;
    return true;
}

struct control {
    struct server *server;
    json_t *quit_id; /* the command that is answered last; NULL: none */
};

static void reply(struct server *s, json_t *id, json_t *members, const char *err)
{
    json_t *line = json_object();
    json_object_set(line, "id", id ? id : json_null());
    json_object_set_new(line, "ok", json_boolean(members != NULL));
    if (members)
        json_object_update(line, members);
    else
        json_object_set_new(line, "err", json_string(err));
    json_decref(members);
    jsonl_write(s->out, line);
}

static void on_line(void *user, json_t *line)
{
    struct control *control = user;
    struct call call = {.server = control->server, .line = line};
    const char *name = text_of(&call, "op");
    json_t *id = json_object_get(line, "id"), *members = NULL;
    int which = place_of(&call, "op", name ? name : "", op_names);
    if (which >= 0 && members_known(&call, &ops[which])) {
        members = ops[which].call(&call);
        if (ops[which].call == quit_op) {
            control->quit_id = json_incref(id ? id : json_null());
            return;
        }
    }
    reply(control->server, id, members, call.err);
}

static void on_bad_line(void *user, const char *why)
{
    struct control *control = user;
    reply(control->server, NULL, NULL, why);
}

static void on_end(void *user)
{
    struct control *control = user;
    ev_break(control->server->loop, EVBREAK_ALL);
}

int control_main(struct server *s)
{
    static const struct jsonl_handler handler = {.line = on_line, .bad = on_bad_line, .end = on_end};
    struct control control = {.server = s};
    struct run r;
    s->out = jsonl_new(s->loop, STDIN_FILENO, STDOUT_FILENO, &handler, &control);
    if (!s->out)
        abort();
    run_start(&r, s, false);
    bool lost = run_loop(&r) == RUN_OUTPUT_LOST;
    if (!lost) {
        run_tell_books(&r);
        if (control.quit_id)
            reply(s, control.quit_id, json_object(), NULL);
        lost = jsonl_flush(s->out) < 0;
    }
    if (lost)
        fprintf(stderr, "server: nobody reads the trace any more: %s\n", strerror(errno));
    json_decref(control.quit_id);
    run_free(&r);
    return lost ? 1 : 0;
}
