"""./run.sh compare-modes"""

from __future__ import annotations

from argparse import Namespace

from judge.arguments import Parser, add_kept, add_variant, positive
from judge.durations import duration_ms

SUMMARY = "one load in three forms (short, keep-alive, long connections): what each costs, who holds TIME_WAIT, when ports run out"
EXAMPLE = "compare-modes --server nginx --users 64 --rounds 9"


def arguments(parser: Parser) -> None:
    add, whole = parser.add_argument, positive(int)
    add("--server", choices=("mock", "nginx"), default="mock", help="the project's mock server, or a real nginx (mock)")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--requests", type=whole, metavar="N", help="requests of each form in each round (10000)")
    amount.add_argument("--duration", type=duration_ms, metavar="T", help="or how long they are made, such as 2s")
    add("--users", type=whole, default=16, metavar="N", help="requests under way at a time (16)")
    add("--limit", type=whole, default=100, metavar="N", help="requests after which the server ends a keep-alive connection (100)")
    add("--server-idle", type=duration_ms, default=200.0, metavar="T", help="... or when it has idled for so long (200ms)")
    add("--rounds", type=whole, default=5, metavar="N", help="so often each form has its turn (5)")
    add("--seed", type=int, default=1, metavar="N", help="of the order in each round (1)")
    add_kept(parser, "modes__SERVER")
    add_variant(parser)


def run(args: Namespace) -> int:
    from judge.modes import compare

    return compare.run(args)
