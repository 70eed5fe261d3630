"""The tests are pytest's like the scenarios are: harness/tests/test_*.py, of which some build and run what is not Python (the C unit
tests, the second compiler, the mutants)."""

from __future__ import annotations

import os
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from judge.errors import UsageError
from judge.names import nearest
from judge.project import Project
from judge.verdicts import FAILED, INTERRUPTED, OK, UNCLEAR, USAGE


class CtrlC:
    """A plugin that knows whether it was that: pytest's exit code is the same where a file cannot be collected."""

    pressed = False

    def pytest_keyboard_interrupt(self, excinfo: Any) -> None:
        self.pressed = excinfo.type is KeyboardInterrupt


def file_of(tests: Path, name: str) -> str:
    """A test file of ours, or of anybody's by its path; behind :: what of it."""
    file = name.partition("::")[0]
    if (tests / file).exists():
        return str(tests / name)
    if not Path(file).exists():
        raise UsageError(f'there is no test file "{file}"{nearest(file, [path.name for path in tests.glob("test_*.py")])}')
    return name


@contextmanager
def scratch() -> Iterator[None]:
    """A folder for what is temporary: a test that is ended leaves what those that it had started have there. pytest's own folders,
    which it keeps for whoever looks into a failure, stay where the system has such."""
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="poolspec-test-", ignore_cleanup_errors=True) as folder:
        os.environ["TMPDIR"] = folder
        yield


def run(args: Namespace) -> int:
    """Returns the exit code, as of a run of scenarios; that nothing ran is a failure, too."""
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
    chosen = [file_of(tests, name) for name in args.names]
    sys.stdout.flush()
    ctrl_c, code = CtrlC(), pytest.ExitCode
    with scratch():
        ended = pytest.main([*options, *(chosen or [str(tests)])], plugins=[ctrl_c])
    codes = {code.OK: OK, code.TESTS_FAILED: FAILED, code.USAGE_ERROR: USAGE, code.NO_TESTS_COLLECTED: USAGE, code.INTERRUPTED: FAILED}
    return INTERRUPTED if ctrl_c.pressed else codes.get(ended, UNCLEAR)
