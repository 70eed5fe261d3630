"""The tests are pytest's like the scenarios are: harness/tests/test_*.py, of which some build and run what is not Python (the C unit
tests, the second compiler, the mutants)."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from judge.project import Project


def run(args: Namespace) -> int:
    """Returns pytest's exit code; that nothing ran is a failure, too."""
    import pytest

    root = Project.here().root
    tests = root / "harness" / "tests"
    jobs = args.jobs or len(os.sched_getaffinity(0))
    options = [
        f"--rootdir={tests}", "-c", str(tests / "pytest.ini"), "-p", "no:cacheprovider", "-p", "judge.selftest.plugin",
        "-n", str(jobs), "--dist=load",
    ]  # fmt: skip
    if args.k:
        options += ["-k", args.k]
    if args.full:
        options += ["--full", "--record", str(root / "reports" / "results" / "full.md")]
    if args.junit:
        options.append(f"--junitxml={args.junit}")
    chosen = [str(tests / name) if (tests / name.partition("::")[0]).exists() else name for name in args.names]
    sys.stdout.flush()
    return int(pytest.main([*options, *(chosen or [str(tests)])]))
