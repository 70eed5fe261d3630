/* explore: every interleaving of a small world, breadth first, equal states merged; from each state everything is also brought
 * to its end. The core cannot be copied through its API, so a state is kept as the way to it and walked anew: a handful of
 * operations. What is found first is a shortest way to break a rule. */
#include "proof/guard.h"
#include "proof/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_NS 100000u
#define IDLE_NS 1000000u
#define DEPTH_MAX 32
#define MOVES_MAX 64

static const struct world_config small = {
    .pool = {.size = 1, .idle_timeout_ns = IDLE_NS, .look_again_ns = LOOK_NS}, .conns = 2, .tickets = 2, .keys = 1};

static struct world_op moves[MOVES_MAX];
static int move_count;

static void add(struct world_op op)
{
    moves[move_count++] = op;
}

static void add_moves_of_ticket(int ticket)
{
    add((struct world_op){.kind = WORLD_CHECKOUT, .ticket = ticket});
    add((struct world_op){.kind = WORLD_CHECKOUT, .ticket = ticket, .size = 2});
    add((struct world_op){.kind = WORLD_CHECKOUT, .ticket = ticket, .size = 1, .limited = true, .backlog = 1});
    add((struct world_op){.kind = WORLD_CHECKOUT, .ticket = ticket, .size = 2, .limited = true, .backlog = 2});
    add((struct world_op){.kind = WORLD_CHECKOUT, .ticket = ticket, .starve = 1});
    add((struct world_op){.kind = WORLD_CHECKOUT, .ticket = ticket, .delay_ns = IDLE_NS});
    for (int conn = 0; conn < small.conns; conn++)
        add((struct world_op){.kind = WORLD_CONNECTED, .ticket = ticket, .conn = conn});
    add((struct world_op){.kind = WORLD_CONNECTED, .ticket = ticket, .conn = 0, .starve = 1});
    add((struct world_op){.kind = WORLD_CONNECT_FAILED, .ticket = ticket});
    add((struct world_op){.kind = WORLD_CANCEL, .ticket = ticket});
}

static void add_moves_of_conn(int conn)
{
    add((struct world_op){.kind = WORLD_CHECKIN, .conn = conn});
    add((struct world_op){.kind = WORLD_CHECKIN, .conn = conn, .timeout_ns = POOL_UNLIMITED, .size = 2});
    add((struct world_op){.kind = WORLD_DISCARD, .conn = conn});
    add((struct world_op){.kind = WORLD_READ, .conn = conn});
    add((struct world_op){.kind = WORLD_PEER_SENDS, .conn = conn});
    add((struct world_op){.kind = WORLD_PEER_FIN, .conn = conn});
    add((struct world_op){.kind = WORLD_PEER_RESET, .conn = conn});
}

static void add_moves_of_time(void)
{
    add((struct world_op){.kind = WORLD_BUSY, .busy_ns = LOOK_NS + 1});
    add((struct world_op){.kind = WORLD_BUSY, .busy_ns = IDLE_NS});
    add((struct world_op){.kind = WORLD_POLL});
    add((struct world_op){.kind = WORLD_POLL, .delay_ns = IDLE_NS});
    add((struct world_op){.kind = WORLD_SPURIOUS});
    add((struct world_op){.kind = WORLD_STOP});
}

/* --- states ---------------------------------------------------------------------------------------------------------------- */

struct state {
    uint64_t hash;
    uint32_t parent;
    uint8_t move, depth;
};

static struct state *states;
static uint32_t state_count, state_room;
static uint32_t *table; /* hash -> index of a state, from 1 */
static uint32_t table_size;

static void *grown(void *old, size_t count, size_t bytes)
{
    void *block = realloc(old, count * bytes);
    if (!block) {
        fprintf(stderr, "explore: memory is out\n");
        exit(3);
    }
    return block;
}

static uint32_t *slot_of(uint64_t hash)
{
    uint32_t at = (uint32_t)hash & (table_size - 1);
    while (table[at] && states[table[at] - 1].hash != hash)
        at = (at + 1) & (table_size - 1);
    return &table[at];
}

static void grow(void)
{
    state_room = state_room ? state_room * 2 : 1u << 16;
    states = grown(states, state_room, sizeof *states);
    free(table);
    table_size = state_room * 4;
    table = grown(NULL, table_size, sizeof *table);
    memset(table, 0, table_size * sizeof *table);
    for (uint32_t i = 0; i < state_count; i++)
        *slot_of(states[i].hash) = i + 1;
}

/* Returns whether the state is new. There is room for it: memory that is taken here would count as the open world's. */
static bool keep(struct state state)
{
    uint32_t *slot = slot_of(state.hash);
    if (*slot)
        return false;
    states[state_count++] = state;
    *slot = state_count;
    return true;
}

/* --- what makes two states equal ------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9fb21c651e98df25u;
    return hash ^ hash >> 32;
}

/* Beyond the look it does not matter any more how long ago something was. */
static uint64_t age(const struct world *w, uint64_t then)
{
    if (then == WORLD_NEVER)
        return WORLD_NEVER;
    return w->now_ns - then > LOOK_NS ? LOOK_NS + 1 : w->now_ns - then;
}

static uint64_t hash_conn(const struct world *w, int i)
{
    const struct books_conn *c = &w->books.conns[i];
    const struct pool_conn *core = &w->conns[i];
    uint64_t hash = mix(1, c->place);
    if (c->place == BOOKS_ABSENT)
        return hash;
    const struct world_socket *s = &w->sockets[i];
    hash = mix(hash, (uint64_t)c->member << 1 | (uint64_t)core->member);
    hash = mix(hash, age(w, s->data_ns));
    hash = mix(hash, age(w, s->eof_ns));
    hash = mix(hash, age(w, s->error_ns));
    if (c->place != BOOKS_IDLE)
        return hash;
    uint64_t rank = 0;
    for (int other = 0; other < small.conns; other++)
        rank += w->books.conns[other].place == BOOKS_IDLE && w->books.conns[other].returned < c->returned;
    hash = mix(hash, rank);
    hash = mix(hash, age(w, c->looked_at_ns));
    hash = mix(hash, c->deadline_ns == POOL_UNLIMITED || c->deadline_ns <= w->now_ns ? c->deadline_ns == POOL_UNLIMITED
                                                                                     : c->deadline_ns - w->now_ns + 1);
    return mix(hash, core->heap_at);
}

static uint64_t hash_ticket(const struct world *w, int i)
{
    const struct books_ticket *t = &w->books.tickets[i];
    uint64_t hash = mix(2, t->wish), rank = 0;
    if (t->wish == BOOKS_FREE)
        return hash;
    for (int other = 0; other < small.tickets; other++)
        rank += w->books.tickets[other].wish == BOOKS_WAITING && w->books.tickets[other].joined < t->joined;
    hash = mix(hash, t->wish == BOOKS_WAITING ? rank : 0);
    return mix(hash, (uint64_t)t->member << 2 | (uint64_t)w->tickets[i].member << 1 | t->limited);
}

/* Of a connection or a ticket it does not matter which one it is: the sum has no order. */
static uint64_t hash_world(const struct world *w)
{
    const struct books_key *k = &w->books.keys[0];
    uint64_t hash = mix(3, age(w, w->polled_ns)), any = 0;
    for (int i = 0; i < small.conns; i++)
        any += hash_conn(w, i);
    for (int i = 0; i < small.tickets; i++)
        any += hash_ticket(w, i);
    hash = mix(hash, any);
    hash = mix(hash, (uint64_t)w->stopped << 2 | (uint64_t)k->limited << 1 | k->sized);
    return mix(hash, k->sized ? (uint64_t)k->size << 32 | k->backlog : 0);
}

/* --- walking --------------------------------------------------------------------------------------------------------------- */

static struct world world;

struct walk {
    uint32_t from; /* the state ... */
    int move;      /* ... and one more move; -1: none */
    bool to_the_end;
};

static int way_to(uint32_t state, int way[DEPTH_MAX])
{
    int count = states[state].depth;
    for (int i = count; i-- > 0; state = states[state].parent)
        way[i] = states[state].move;
    return count;
}

static const char *walk(void *user)
{
    const struct walk *to = user;
    int way[DEPTH_MAX], count = way_to(to->from, way);
    if (!world_open(&world, &small))
        return "there is memory for a pool";
    for (int i = 0; i < count; i++)
        world_do(&world, &moves[way[i]]);
    if (to->move >= 0)
        world_do(&world, &moves[to->move]);
    if (to->to_the_end && !world.books.broken)
        world_drain(&world);
    return world.books.broken;
}

static void give_up(const char *broken, struct walk *to)
{
    printf("a rule is broken after %d operations: %s\n", states[to->from].depth + (to->move >= 0), broken);
    world.trace = stdout;
    guard_call(walk, to);
    exit(1);
}

static void walk_or_give_up(struct walk to)
{
    const char *broken = guard_call(walk, &to);
    if (broken)
        give_up(broken, &to);
}

static void close_or_give_up(struct walk to)
{
    const char *broken = world_close(&world);
    if (broken)
        give_up(broken, &to);
}

/* Which moves make sense in a state. */
static int possible_moves(uint32_t state, int possible[MOVES_MAX])
{
    int count = 0;
    walk_or_give_up((struct walk){.from = state, .move = -1});
    for (int move = 0; move < move_count; move++)
        if (world_can(&world, &moves[move]))
            possible[count++] = move;
    close_or_give_up((struct walk){.from = state, .move = -1});
    return count;
}

static void try_move(uint32_t state, int move)
{
    struct walk to = {.from = state, .move = move};
    if (state_count == state_room)
        grow();
    walk_or_give_up(to);
    bool is_new = keep((struct state){.hash = hash_world(&world), .parent = state, .move = (uint8_t)move,
                                      .depth = (uint8_t)(states[state].depth + 1)});
    close_or_give_up(to);
    if (!is_new)
        return;
    to.to_the_end = true;
    walk_or_give_up(to);
    close_or_give_up(to);
}

static uint64_t explore(unsigned depth)
{
    uint64_t transitions = 0;
    int possible[MOVES_MAX];
    grow();
    keep((struct state){0});
    for (uint32_t state = 0; state < state_count && states[state].depth < depth; state++) {
        int count = possible_moves(state, possible);
        for (int i = 0; i < count; i++)
            try_move(state, possible[i]);
        transitions += (uint64_t)count;
    }
    return transitions;
}

int main(int argc, char **argv)
{
    char *end = "";
    unsigned long depth = argc > 1 ? strtoul(argv[1], &end, 10) : 10;
    struct timespec before, after;
    if (argc > 2 || *end || depth < 1 || depth >= DEPTH_MAX) {
        fprintf(stderr, "usage: explore [DEPTH]\nAll interleavings of a small world, to so many operations (10; at most %d).\n",
                DEPTH_MAX - 1);
        return 2;
    }
    for (int i = 0; i < small.tickets; i++)
        add_moves_of_ticket(i);
    for (int i = 0; i < small.conns; i++)
        add_moves_of_conn(i);
    add_moves_of_time();
    clock_gettime(CLOCK_MONOTONIC, &before);
    uint64_t transitions = explore((unsigned)depth);
    clock_gettime(CLOCK_MONOTONIC, &after);
    printf("%d connections, %d tickets, depth %lu: %" PRIu32 " states, %" PRIu64 " transitions in %.1f s, every rule held\n",
           small.conns, small.tickets, depth, state_count, transitions,
           (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9);
    return 0;
}
