"""./run.sh bench"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from judge.arguments import Parser, positive

SUMMARY = "the load generator and wrk, side by side, against the same mock server"
EXAMPLE = "bench --pairs 15 --users 1000"


def arguments(parser: Parser) -> None:
    parser.add_argument("--pairs", type=positive(int), default=9, metavar="N", help="runs of each, taking turns (9)")
    parser.add_argument("--users", type=positive(int), default=64, metavar="N", help="connections of each (64)")
    parser.add_argument("--seconds", type=positive(int), default=2, metavar="S", help="length of a run, in whole seconds for wrk (2)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="who begins a pair (1)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where the results go (reports/out/TIME)")


def run(args: Namespace) -> int:
    from judge import bench

    return bench.run(args)
