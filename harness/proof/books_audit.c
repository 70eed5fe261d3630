#include "proof/books.h"

#include <string.h>

/* The second begins as the first does, and a table of 64 has both in one place; the third and the fourth have the same FNV-1a
 * hash, and so have the fifth and the sixth, which are not of one length. The others are "k" and a number in base 16, from 'a'
 * on. */
static const char *const chosen[] = {"k1", "k108", "8yn0iYCKYHlIj4-BwPqk", "GReLUrM4wMqfg9yzV3KQ", "fc8f3fdd4bf3133fx",
                                     "2b711e663048fee9"};
#define CHOSEN (int)(sizeof chosen / sizeof *chosen)

const char *books_key_text(int key, size_t *bytes)
{
    static char text[4] = "k";
    if (key < CHOSEN) {
        *bytes = strlen(chosen[key]);
        return chosen[key];
    }
    text[1] = (char)('a' + key / 16);
    text[2] = (char)('a' + key % 16);
    *bytes = 3;
    return text;
}

static int key_number(const char *text, size_t bytes)
{
    for (int i = 0; i < CHOSEN; i++)
        if (strlen(chosen[i]) == bytes && memcmp(chosen[i], text, bytes) == 0)
            return i;
    return bytes == 3 ? (text[1] - 'a') * 16 + text[2] - 'a' : -1;
}

static bool is_known(const struct books_key *k)
{
    return k->idle || k->in_use || k->connecting || k->waiting;
}

struct roll {
    struct books *books;
    int keys;
};

static void audit_view(void *user, const struct pool_view *view)
{
    struct roll *roll = user;
    struct books *b = roll->books;
    int key = key_number(view->key, view->key_bytes);
    roll->keys++;
    if (!books_rule(b, key >= 0 && key < b->key_count, "pool_each lists only keys that are known"))
        return;
    const struct books_key *k = &b->keys[key];
    books_rule(b, is_known(k), "a key with nothing left is forgotten");
    books_rule(b, view->size == (k->sized ? k->size : 0), "a pool keeps its size while it lives, and no longer");
    books_rule(b, view->idle == k->idle && view->in_use == k->in_use && view->connecting == k->connecting &&
               view->waiting == k->waiting, "pool_each counts what there is");
}

static void audit_keys(struct books *b, const struct pool *pool)
{
    struct roll roll = {.books = b};
    int known = 0;
    pool_each(pool, &roll, audit_view);
    for (int i = 0; i < b->key_count; i++)
        known += is_known(&b->keys[i]);
    books_rule(b, roll.keys == known, "pool_each lists each key once");
}

static void audit_stats(struct books *b, const struct pool *pool)
{
    struct pool_stats said;
    b->stats.idle = b->stats.in_use = b->stats.connecting = b->stats.waiting = 0;
    for (int i = 0; i < b->key_count; i++) {
        b->stats.idle += b->keys[i].idle;
        b->stats.in_use += b->keys[i].in_use;
        b->stats.connecting += b->keys[i].connecting;
        b->stats.waiting += b->keys[i].waiting;
    }
    pool_stats_all(pool, &said);
    books_rule(b, memcmp(&said, &b->stats, sizeof said) == 0, "pool_stats_all counts what there is and what has been");
}

static void audit_conn(struct books *b, const struct books_conn *c, const struct pool_conn *conn)
{
    static const enum pool_conn_state state[] = {
        [BOOKS_ABSENT] = POOL_CONN_NEW, [BOOKS_IN_USE] = POOL_CONN_IN_USE, [BOOKS_IDLE] = POOL_CONN_IDLE};
    books_rule(b, conn->state == state[c->place], "a connection's state is where it is");
    if (c->place == BOOKS_ABSENT)
        return;
    books_rule(b, conn->reused == c->reused, "reused counts the times that a connection was handed out again");
    books_rule(b, pool_exists_for(conn) == b->keys[c->key].sized, "pool_exists_for says whether the size is fixed");
}

static void audit_ticket(struct books *b, const struct books_ticket *t, const struct pool_ticket *ticket)
{
    static const enum pool_ticket_state state[] = {
        [BOOKS_FREE] = POOL_TICKET_FREE, [BOOKS_WAITING] = POOL_TICKET_WAITING, [BOOKS_CONNECTING] = POOL_TICKET_CONNECTING};
    books_rule(b, ticket->state == state[t->wish], "a ticket's state is what it waits for");
}

void books_audit(struct books *b, const struct pool *pool, const struct pool_conn *conns, const struct pool_ticket *tickets)
{
    if (b->broken)
        return; /* what is wrong already would only be said twice */
    audit_keys(b, pool);
    audit_stats(b, pool);
    books_rule(b, pool_deadline(pool) == books_deadline(b), "pool_deadline is the earliest deadline there is");
    for (int i = 0; i < b->conn_count; i++)
        audit_conn(b, &b->conns[i], &conns[i]);
    for (int i = 0; i < b->ticket_count; i++)
        audit_ticket(b, &b->tickets[i], &tickets[i]);
}
