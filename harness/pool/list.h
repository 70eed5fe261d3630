/* list.h - intrusive, circular lists of struct pool_link (pool.h). A link is its owner's; one that is zeroed is in no list. */
#ifndef LIST_H
#define LIST_H

#include "pool/pool.h"

/* What `ptr` is the `member` of. */
#define OF(ptr, type, member) ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

static inline void list_init(struct pool_link *head)
{
    head->prev = head->next = head;
}

static inline bool list_has(const struct pool_link *link)
{
    return link->next != NULL;
}

static inline void list_append(struct pool_link *head, struct pool_link *link)
{
    *link = (struct pool_link){.prev = head->prev, .next = head};
    head->prev->next = link;
    head->prev = link;
}

/* `link` is in a list. */
static inline void list_remove(struct pool_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = NULL;
}

/* The first, removed; NULL: the list is empty. */
static inline struct pool_link *list_pop(struct pool_link *head)
{
    struct pool_link *first = head->next;
    if (first == head)
        return NULL;
    list_remove(first);
    return first;
}

#endif
