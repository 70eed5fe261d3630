"""`test`: the project's own tests. They are pytest's like the scenarios are: harness/tests/test_*.py, of which some build and run
what is not Python (the C unit tests, the second compiler, the mutants)."""

from __future__ import annotations

import os
import sys

from judge.cli import Parser
from judge.project import Project


def main(arguments: list[str]) -> int:
    """Returns pytest's exit code; that nothing ran is a failure, too."""
    import pytest

    parser = Parser(
        prog="./run.sh test", description="The project's own tests.",
        epilog="example: ./run.sh test test_mutants.py -k idle", allow_abbrev=False,
    )
    parser.add_argument("names", nargs="*", metavar="FILE", help="of harness/tests (all)")
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests whose name fits, as in pytest")
    parser.add_argument("--jobs", type=int, metavar="N", help="run so many at a time (one for each core)")
    parser.add_argument("--junit", metavar="FILE", help="junit.xml, there")
    args = parser.parse_args(arguments)

    tests = Project.here().root / "harness" / "tests"
    jobs = args.jobs or len(os.sched_getaffinity(0))
    options = [f"--rootdir={tests}", "-c", str(tests / "pytest.ini"), "-p", "no:cacheprovider", "-n", str(jobs), "--dist=load"]
    if args.k:
        options += ["-k", args.k]
    if args.junit:
        options.append(f"--junitxml={args.junit}")
    chosen = [str(tests / name) if (tests / name).exists() else name for name in args.names]
    sys.stdout.flush()
    return int(pytest.main([*options, *(chosen or [str(tests)])]))

