"""./run.sh faults"""

from __future__ import annotations

from argparse import Namespace

from judge.arguments import Parser
from judge.errors import UsageError

SUMMARY = "make memory, system calls and descriptors fail below the pool, one place after the other"
EXAMPLE = "faults --session queue --fault memory.pool:7+"


def arguments(parser: Parser) -> None:
    parser.add_argument("--session", metavar="NAME", help="of harness/proof/faults/session.py, or `load`: the load generator (all)")
    parser.add_argument("--fault", metavar="PLAN", help="one run only, with this plan (harness/proof/faults/inject.h); needs --session")
    parser.add_argument("--full", action="store_true", help="each place with each error, instead of a sample")


def run(args: Namespace) -> int:
    from proof.faults import ground, points, walk

    from judge.names import nearest

    if args.session is not None and args.session not in ground.ALL:
        raise UsageError(f'there is no session "{args.session}"{nearest(args.session, ground.ALL)}; they are {", ".join(ground.ALL)}')
    if args.fault is not None and args.session is None:
        raise UsageError("--fault needs --session: in which one?")
    if args.fault is not None and (why := points.not_understood(args.fault)):
        raise UsageError(f"--fault: {why}")
    return walk.report(args.session, args.fault, args.full)
