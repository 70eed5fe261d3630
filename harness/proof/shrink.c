/* Delta debugging: cuts a script down to what breaks the same rule. */
#include "proof/sim.h"

#include <stdlib.h>
#include <string.h>

static bool still_breaks(const struct sim_script *script, const char *broken)
{
    struct sim_result result = sim_play(script, NULL);
    return result.broken && strcmp(result.broken, broken) == 0;
}

/* A copy without ops [at, at + count); the time that they took is added to what follows. */
static void cut(const struct sim_script *from, size_t at, size_t count, struct sim_script *to)
{
    uint64_t busy_ns = 0;
    for (size_t i = at; i < at + count; i++)
        busy_ns += from->ops[i].busy_ns;
    memcpy(to->ops, from->ops, at * sizeof *to->ops);
    memcpy(to->ops + at, from->ops + at + count, (from->count - at - count) * sizeof *to->ops);
    to->count = from->count - count;
    if (at < to->count)
        to->ops[at].busy_ns += busy_ns;
}

static void swap(struct sim_script *a, struct sim_script *b)
{
    struct sim_script other = *a;
    *a = *b;
    *b = other;
}

/* One pass from the back. Returns whether anything could go. */
static bool cut_pieces(struct sim_script *script, struct sim_script *spare, size_t piece, const char *broken)
{
    bool any = false;
    for (size_t end = script->count; end > 0;) {
        size_t at = end > piece ? end - piece : 0;
        cut(script, at, end - at, spare);
        if (still_breaks(spare, broken)) {
            swap(script, spare);
            any = true;
        }
        end = at < script->count ? at : script->count;
    }
    return any;
}

/* Tries each number of each operation at nothing. */
static bool simplify(struct sim_script *script, const char *broken)
{
    bool any = false;
    for (size_t i = 0; i < script->count; i++) {
        struct world_op *op = &script->ops[i], whole = *op;
        for (int field = 0; field < 6; field++) {
            struct world_op before = *op;
            op->busy_ns = field == 0 ? 0 : op->busy_ns;
            op->delay_ns = field == 1 ? 0 : op->delay_ns;
            op->timeout_ns = field == 2 ? 0 : op->timeout_ns;
            op->size = field == 3 ? 0 : op->size;
            op->starve = field == 4 ? 0 : op->starve;
            op->backlog = field == 5 ? 0 : op->backlog;
            if (memcmp(op, &before, sizeof *op) != 0 && !still_breaks(script, broken))
                *op = before;
        }
        any = any || memcmp(op, &whole, sizeof whole) != 0;
    }
    return any;
}

void sim_shrink(struct sim_script *script, const char *broken)
{
    char rule[256]; /* `broken` may be text that the next run overwrites */
    struct sim_script spare = *script;
    spare.ops = malloc((script->count + 1) * sizeof *spare.ops);
    if (!spare.ops)
        return;
    strncpy(rule, broken, sizeof rule - 1);
    rule[sizeof rule - 1] = '\0';
    for (size_t piece = script->count / 2; piece > 1; piece /= 2)
        cut_pieces(script, &spare, piece, rule);
    bool again;
    do {
        again = cut_pieces(script, &spare, 1, rule);
        again = simplify(script, rule) || again;
    } while (again);
    free(spare.ops);
}
