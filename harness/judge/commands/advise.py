"""./run.sh advise"""

from __future__ import annotations

from argparse import Namespace

from judge.advise import gaps
from judge.arguments import Parser, add_kept, add_variant, positive
from judge.durations import duration_ms, duration_or_0_ms

SUMMARY = "which of two idle timeouts is wrong: who closes first, what fails, what to set"
EXAMPLE = "advise --server-idle 75s --pool-idle 90s --gap exp:30s"


def arguments(parser: Parser) -> None:
    add = parser.add_argument
    add("--server-idle", type=duration_ms, required=True, metavar="T", help="after which the server closes an idle connection")
    add("--pool-idle", type=duration_or_0_ms, required=True, metavar="T", help="after which the pool does; 0: never")
    add("--server-requests", type=positive(int), metavar="N", help="requests to a connection, at most (no limit)")
    add("--server-age", type=duration_ms, metavar="T", help="how old a connection may grow (nginx: keepalive_time; no limit)")
    add("--closes-over", type=duration_ms, metavar="T", help="the server closes up to so much later (Tomcat: 1s; at once)")
    add("--gap", type=gaps.read, metavar="DISTRIBUTION", help=f"how long connections idle between two requests: {gaps.FORMS} "
        "(exp, with the server's idle timeout as its mean)")
    add("--window", type=duration_ms, metavar="T", help="the race window: the network's round trip and a little (measured here)")
    add("--no-sweep", action="store_true", help="the arithmetic alone")
    add("--seed", type=int, default=1, metavar="N", help="of the sweep (1)")
    add_kept(parser, "advise")
    add_variant(parser)


def run(args: Namespace) -> int:
    from judge.advise import command

    return command.run(args)
