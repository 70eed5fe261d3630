/* sim.h - runs of the world by chance: a seed gives the whole run, its configuration included. */
#ifndef SIM_H
#define SIM_H

#include "proof/world.h"

struct sim {
    uint64_t random;            /* the generator's state */
    struct world_config config;
    unsigned limited_percent;   /* of the check-outs, how many name a backlog */
    unsigned sized_percent;     /* and how many a size */
    unsigned peer_percent;      /* of the operations, how many are a peer's misdeeds */
    unsigned starve_percent;
    bool hurries;               /* so little time passes that connections gather */
    uint64_t stop_at;           /* step; WORLD_NEVER: it does not stop */
    bool drains;                /* at the end, before the pool is freed */
};

struct sim_result {
    const char *broken; /* NULL: all rules held */
    uint64_t steps;     /* that were made; where a rule was broken, the last one broke it (or what follows the last) */
    uint64_t events;
};

void sim_init(struct sim *s, uint64_t seed);

/* The operation that comes next in the state that the world is in. */
struct world_op sim_next(struct sim *s, const struct world *w, uint64_t step);

/* Runs a seed. `trace` may be NULL. */
struct sim_result sim_run(uint64_t seed, uint64_t steps, FILE *trace);

/* A run as a script, to be played again and cut. */
struct sim_script {
    struct world_config config;
    bool drains;
    struct world_op *ops;
    size_t count;
};

/* The first `steps` of a seed. ops is the caller's to free; NULL where memory is out. */
struct sim_script sim_record(uint64_t seed, uint64_t steps);

struct sim_result sim_play(const struct sim_script *script, FILE *trace);

/* Takes away and simplifies what is not needed to break the same rule. */
void sim_shrink(struct sim_script *script, const char *broken);

#endif
