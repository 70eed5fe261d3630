"""./run.sh sweep"""

from __future__ import annotations

import json
from argparse import Namespace

from judge.arguments import Parser, add_kept, add_variant, positive
from judge.durations import duration_ms, plain
from judge.errors import UsageError

SUMMARY = "what becomes of a request at a server's idle timeout: failure rate against gap"
EXAMPLE = "sweep --server nginx --server-idle 300ms"

MOST = 1_000_000  # pairs of one pool that the program gap takes


def arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--server", default="mock", choices=("mock", "nginx", "mock-nginx", "tomcat", "mock-tomcat"), help="who closes its idle "
        "connections: the mock server (as nginx or Tomcat, too), or a real one (mock)")
    add("--server-idle", type=duration_ms, metavar="T", help="its idle timeout (as short as shows what it does)")
    add("--margin", type=duration_ms, metavar="T", help="how much sooner a pool closes that is set right (half of what is swept before T)")
    add("--pairs", type=positive(int), default=200, metavar="N", help="pairs of requests at each gap (200)")
    add("--rate", type=positive(float), default=800.0, metavar="N", help="pairs that begin in a second (800)")
    add("--seed", type=int, default=1, metavar="N", help="of the order of the gaps (1)")
    add_kept(parser, "sweep__SERVER")
    add_variant(parser)


def run(args: Namespace) -> int:
    from judge.measurement import keep
    from judge.project import Project
    from judge.results import check_out
    from judge.sweep.measure import Pool, Wish, measure
    from judge.sweep.origins import KINDS
    from reports import sweep as report

    check_out(args.out)
    project, kind = Project.here(args.variant), KINDS[args.server]
    timeout_ms = args.server_idle or kind.timeout_ms
    own_ms = timeout_ms - (kind.before_ms / 2 if args.margin is None else args.margin)
    if own_ms <= 0 or own_ms >= timeout_ms:
        raise UsageError(f"a margin of {plain(timeout_ms - own_ms)} leaves a pool nothing of the server's {plain(timeout_ms)}")
    pools = (Pool("idle connections not watched", watch=False), Pool("watched (the reference pool)"),
             Pool(f"watched, own idle timeout {plain(own_ms)}", own_ms))
    wish = Wish(args.server, timeout_ms, args.pairs, args.rate, args.seed, pools)
    if wish.plan.count > MOST:
        raise UsageError(f"--pairs {args.pairs} at each of {len(wish.plan.gaps_ms)} gaps: more than {MOST:,} in all")
    found = measure(project, wish)
    page = keep(project, found, args.out, f"sweep__{args.server}")
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{found['title']}, {found['option']} = {plain(timeout_ms)}: the second request of each pair, by the idle time before it\n")
        print(report.text(found))
        print(f"\n{page}")
    return 0
