#include "proof/sim.h"

#include "proof/guard.h"

#include <stdlib.h>

#define US 1000u
#define MS 1000000u
#define S 1000000000u
#define YEAR (365u * 86400ull * S)
#define AGES (50u * YEAR) /* after so long, no more years are skipped: the clock is finite */

static struct world world; /* large */

/* --- chance ---------------------------------------------------------------------------------------------------------------- */

static uint64_t draw(struct sim *s)
{
    uint64_t z = s->random += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static unsigned below(struct sim *s, unsigned n)
{
    return (unsigned)((draw(s) >> 32) * n >> 32);
}

static bool by_percent(struct sim *s, unsigned percent)
{
    return below(s, 100) < percent;
}

static uint64_t one_of(struct sim *s, const uint64_t *values, unsigned count)
{
    return values[below(s, count)];
}

#define ONE_OF(s, values) one_of(s, values, sizeof(values) / sizeof *(values))

void sim_init(struct sim *s, uint64_t seed)
{
    static const uint64_t looks[] = {0, 1, 100 * US, 100 * US, 100 * US, MS};
    static const uint64_t timeouts[] = {1, 70 * US, MS, 20 * MS, 60ull * S, POOL_UNLIMITED};
    *s = (struct sim){.random = seed};
    bool crowd = by_percent(s, 4); /* more keys and connections than the core's first tables hold */
    s->config = (struct world_config){
        .pool = {.size = 1 + below(s, crowd ? 16 : 4), .idle_timeout_ns = ONE_OF(s, timeouts), .look_again_ns = ONE_OF(s, looks)},
        .conns = crowd ? 64 + (int)below(s, 3) * 64 : 4 + (int)below(s, 16),
        .tickets = crowd ? BOOKS_TICKETS : 2 + (int)below(s, 10),
        .keys = crowd ? BOOKS_KEYS : 1 + (int)below(s, 6)};
    s->limited_percent = below(s, 3) * 40;
    s->sized_percent = below(s, 3) * 30;
    s->peer_percent = below(s, 4) * 5;
    s->starve_percent = by_percent(s, 30) ? 5 : 0;
    s->hurries = crowd || by_percent(s, 30);
    s->stop_at = by_percent(s, 10) ? below(s, 20000) : WORLD_NEVER;
    s->drains = by_percent(s, 50);
}

/* --- what comes next ------------------------------------------------------------------------------------------------------- */

/* Most often next to nothing, sometimes close to where the core decides, sometimes long. */
static uint64_t draw_busy(struct sim *s, const struct world *w)
{
    uint64_t look = w->config.pool.look_again_ns, deadline;
    unsigned kind = below(s, 64);
    if (kind < 50 || s->hurries)
        return below(s, 2 * US);
    if (kind < 55)
        return look + below(s, 3) - (look ? 1 : 0);
    if (kind < 58)
        return below(s, 200 * US);
    if (kind < 62) {
        deadline = books_deadline(&w->books);
        return deadline == POOL_UNLIMITED || deadline <= w->now_ns + 1 ? 0 : deadline - w->now_ns + below(s, 3) - 1;
    }
    return below(s, 50 * MS);
}

static uint64_t draw_timeout(struct sim *s)
{
    static const uint64_t timeouts[] = {0, 0, 0, 1, 999, 50 * US, MS, MS + 1, 7 * MS, S, POOL_UNLIMITED, POOL_UNLIMITED - 1};
    static const uint64_t long_ones[] = {0, 7 * MS, S, 60ull * S, POOL_UNLIMITED, POOL_UNLIMITED - 1};
    return s->hurries ? ONE_OF(s, long_ones) : ONE_OF(s, timeouts);
}

static uint64_t draw_wait(struct sim *s, const struct world *w)
{
    static const uint64_t waits[] = {0, 0, US, 100 * US, MS, MS, 20 * MS, S};
    bool skips_a_year = below(s, 2000) == 0 && w->now_ns < AGES;
    if (s->hurries)
        return skips_a_year ? YEAR : below(s, 10 * US);
    return skips_a_year ? YEAR : ONE_OF(s, waits);
}

static uint64_t draw_delay(struct sim *s)
{
    static const uint64_t delays[] = {0, 0, 1, US, 50 * US, 100 * US, 300 * US, 5 * MS};
    return ONE_OF(s, delays);
}

/* A connection at this place, or a ticket with this wish, found from anywhere on; -1: there is none. */
static int find_conn(struct sim *s, const struct world *w, enum books_place place)
{
    int count = w->config.conns;
    for (int n = count, i = (int)below(s, (unsigned)count); n-- > 0; i = i + 1 < count ? i + 1 : 0)
        if (w->books.conns[i].place == place)
            return i;
    return -1;
}

static int find_ticket(struct sim *s, const struct world *w, enum books_wish wish)
{
    int count = w->config.tickets;
    for (int n = count, i = (int)below(s, (unsigned)count); n-- > 0; i = i + 1 < count ? i + 1 : 0)
        if (w->books.tickets[i].wish == wish)
            return i;
    return -1;
}

static void ask(struct sim *s, const struct world *w, struct world_op *op)
{
    op->kind = WORLD_CHECKOUT;
    op->ticket = find_ticket(s, w, BOOKS_FREE);
    op->key = (int)below(s, (unsigned)w->config.keys);
    op->size = by_percent(s, s->sized_percent) ? 1 + below(s, 4) : 0;
    op->limited = by_percent(s, s->limited_percent);
    op->backlog = op->limited ? below(s, 4) : 0;
    op->delay_ns = by_percent(s, 20) ? draw_busy(s, w) : 0;
    op->starve = by_percent(s, s->starve_percent) ? 1 + below(s, 2) : 0;
}

static void answer(struct sim *s, const struct world *w, struct world_op *op)
{
    op->conn = find_conn(s, w, BOOKS_ABSENT);
    op->kind = op->conn < 0 || by_percent(s, 10) ? WORLD_CONNECT_FAILED : WORLD_CONNECTED;
    op->ticket = find_ticket(s, w, BOOKS_CONNECTING);
    op->starve = op->kind == WORLD_CONNECTED && by_percent(s, 10 * s->starve_percent); /* only few of them allocate */
    op->conn = op->kind == WORLD_CONNECTED ? op->conn : 0;
}

static void give_back(struct sim *s, const struct world *w, struct world_op *op)
{
    op->kind = WORLD_CHECKIN;
    op->conn = find_conn(s, w, BOOKS_IN_USE);
    op->timeout_ns = draw_timeout(s);
    op->size = by_percent(s, s->sized_percent) ? 1 + below(s, 4) : 0;
}

static void use(struct sim *s, const struct world *w, struct world_op *op)
{
    op->kind = by_percent(s, 50) ? WORLD_READ : WORLD_DISCARD;
    op->conn = find_conn(s, w, BOOKS_IN_USE);
}

static void give_up(struct sim *s, const struct world *w, struct world_op *op)
{
    op->kind = WORLD_CANCEL;
    op->ticket = find_ticket(s, w, BOOKS_WAITING);
    if (op->ticket < 0 || by_percent(s, 30))
        op->ticket = find_ticket(s, w, BOOKS_CONNECTING);
}

static void misbehave(struct sim *s, const struct world *w, struct world_op *op)
{
    static const enum world_op_kind misdeeds[] = {WORLD_PEER_SENDS, WORLD_PEER_FIN, WORLD_PEER_RESET};
    op->kind = misdeeds[below(s, 3)];
    op->conn = find_conn(s, w, by_percent(s, 70) ? BOOKS_IDLE : BOOKS_IN_USE);
    op->delay_ns = draw_delay(s);
}

/* Now and then nobody asks for a while, and what is in use comes back. */
static bool is_ebb(uint64_t step)
{
    return step / 256 % 8 == 7;
}

struct world_op sim_next(struct sim *s, const struct world *w, uint64_t step)
{
    struct world_op op = {.busy_ns = draw_busy(s, w)};
    if (step == s->stop_at)
        return (struct world_op){.kind = WORLD_STOP};
    if (by_percent(s, s->peer_percent)) {
        misbehave(s, w, &op);
    } else {
        unsigned kind = is_ebb(step) ? 34 + below(s, 66) : below(s, 100);
        if (kind < 34)
            ask(s, w, &op);
        else if (kind < 54)
            answer(s, w, &op);
        else if (kind < 78)
            give_back(s, w, &op);
        else if (kind < 83)
            use(s, w, &op);
        else if (kind < 87)
            give_up(s, w, &op);
        else
            op.kind = kind < 99 ? WORLD_POLL : WORLD_SPURIOUS;
    }
    if (op.ticket < 0 || op.conn < 0) /* nothing is there for it */
        op = (struct world_op){.kind = WORLD_POLL, .busy_ns = op.busy_ns};
    if (op.kind == WORLD_POLL)
        op.delay_ns = draw_wait(s, w);
    return op;
}

/* --- runs ------------------------------------------------------------------------------------------------------------------ */

struct run {
    struct sim *sim;                 /* where operations come from: chance ... */
    const struct sim_script *script; /* ... or a script */
    struct world_op *record;         /* NULL: not wanted */
    uint64_t limit, done;
};

static const char *run_to_its_end(void *user)
{
    struct run *run = user;
    bool drains = run->sim ? run->sim->drains : run->script->drains;
    if (!world_open(&world, run->sim ? &run->sim->config : &run->script->config))
        return "there is memory for a pool";
    while (!world.books.broken && run->done < run->limit) {
        struct world_op op = run->sim ? sim_next(run->sim, &world, run->done) : run->script->ops[run->done];
        if (run->record)
            run->record[run->done] = op;
        run->done++;
        world_do(&world, &op);
    }
    if (drains && !world.books.broken)
        world_drain(&world);
    return world_close(&world);
}

static struct sim_result run_guarded(struct run *run, FILE *trace)
{
    world.trace = trace;
    const char *broken = guard_call(run_to_its_end, run);
    return (struct sim_result){.broken = broken, .steps = run->done, .events = world.events};
}

struct sim_result sim_run(uint64_t seed, uint64_t steps, FILE *trace)
{
    struct sim sim;
    sim_init(&sim, seed);
    return run_guarded(&(struct run){.sim = &sim, .limit = steps}, trace);
}

struct sim_result sim_play(const struct sim_script *script, FILE *trace)
{
    return run_guarded(&(struct run){.script = script, .limit = script->count}, trace);
}

struct sim_script sim_record(uint64_t seed, uint64_t steps)
{
    struct sim sim;
    sim_init(&sim, seed);
    struct sim_script script = {.config = sim.config, .drains = sim.drains, .ops = calloc(steps ? steps : 1, sizeof *script.ops)};
    struct run run = {.sim = &sim, .record = script.ops, .limit = steps};
    if (script.ops)
        run_guarded(&run, NULL);
    script.count = run.done;
    return script;
}
