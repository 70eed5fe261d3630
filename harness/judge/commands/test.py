"""./run.sh test"""

from __future__ import annotations

from argparse import Namespace

from judge.arguments import Parser, positive

SUMMARY = "the project's own tests"
EXAMPLE = "test test_mutants.py -k idle"


def arguments(parser: Parser) -> None:
    parser.add_argument("names", nargs="*", metavar="FILE", help="of harness/tests (all)")
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests whose name fits, as in pytest")
    parser.add_argument("--full", action="store_true", help="those that take long, too (marked `full`)")
    parser.add_argument("--jobs", type=positive(int), metavar="N", help="run so many at a time (one for each core)")
    parser.add_argument("--junit", metavar="FILE", help="junit.xml, there")


def run(args: Namespace) -> int:
    from judge.selftest.run import run

    return run(args)
