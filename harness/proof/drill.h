/* drill.h - a drill: a golden script for the pure core, played in virtual time.
 *
 *     # Why, in a line or two.
 *     clause eviction/least-recently-returned
 *     pool size=1 timeout=100ms
 *
 *     0      checkout t1 a:1     -> connect t1
 *     0      connected t1 c1     -> nothing
 *     +5ms   checkin c1 quiet    -> park c1; deadline 105ms, idle 1
 *
 * First the reason, then the clauses that it stands for, then what the pool is configured with: size=N (30), timeout=TIME (60s),
 * look-again=TIME (100us). Then the steps: when, the event, behind the arrow the actions that answer it, all of them and in this
 * order, and behind a semicolon what is so afterwards. A time is since the start, or with a + since the step before; its unit is ns,
 * us, ms, s or d, and 0 needs none. t0 to t15 are tickets, c0 to c15 connections, and their names are free again once the core has let
 * go of them.
 *
 *     events   checkout TICKET KEY [size=N] [backlog=N] [polled=TIME: the loop's last poll; else it is now]
 *              connected TICKET CONN   connect-failed TICKET   cancel TICKET   discard CONN   tick   stop
 *              checkin CONN SEEN [timeout=TIME|unlimited] [size=N]   readable CONN SEEN   probed TICKET CONN SEEN
 *     SEEN     quiet   data   eof   error
 *     actions  nothing   connect TICKET   wait TICKET   probe TICKET CONN   reuse TICKET CONN   refuse TICKET REASON
 *              park CONN   close CONN REASON
 *     REASON   as pool_reason_text has it
 *     after    deadline TIME|never   reused CONN N   has-pool CONN   no-pool CONN (pool_exists_for)   keys N
 *              idle N   in-use N   connecting N   waiting N   failures N (pool_stats_all) */
#ifndef DRILL_H
#define DRILL_H

#include "pool/pool.h"

#include <stdio.h>

enum drill_verdict { DRILL_AS_EXPECTED, DRILL_NOT_AS_EXPECTED, DRILL_BAD_SCRIPT };

/* Plays `script` on a pool of its own, up to the first line that is not as expected; says of that one on `out` where it is, what was
 * expected and what came, or why it is no line of a drill. `name` is the script's file, for what is said. */
enum drill_verdict drill_play(FILE *script, const char *name, FILE *out);

#endif
