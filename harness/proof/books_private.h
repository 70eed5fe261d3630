/* books_private.h - what books.c and books_rules.c share. */
#ifndef BOOKS_PRIVATE_H
#define BOOKS_PRIVATE_H

#include "proof/books.h"

/* Moves a connection or a ticket, in all counts. A pool that nothing keeps alive after that is gone. */
void books_place(struct books *b, struct books_conn *c, enum books_place to);
void books_wish(struct books *b, struct books_ticket *t, enum books_wish to);

/* Of a key without a pool. */
void books_create_pool(struct books *b, int key, unsigned size, bool limited, unsigned backlog);

unsigned books_total(const struct books_key *k);
bool books_is_full(const struct books_key *k);

/* Among the idle ones of its key; among those that wait for it. */
bool books_is_newest(const struct books *b, const struct books_conn *c);
bool books_is_oldest(const struct books *b, const struct books_conn *c);
bool books_is_first_in_line(const struct books *b, const struct books_ticket *t);

#endif
