"""`./run.sh test` itself, run on small suites of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from judge.project import PYTHON
from judge_kit import environment

LONG = """
import pytest

def test_short():
    pass

@pytest.mark.full
@pytest.mark.parametrize("n", [1, 2])
def test_long(n):
    pass
"""


def run_suite(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A suite of one file, run as `./run.sh test` runs ours."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    full\n")
    (folder / "test_it.py").write_text(text)
    argv = [PYTHON, "-m", "pytest", "-c", "pytest.ini", "-p", "judge.selftest.plugin", "-n", "2", "-p", "no:cacheprovider", *options]
    return subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def test_long_tests_run_only_when_asked_for(tmp_path: Path) -> None:
    short = run_suite(tmp_path, LONG)
    assert short.returncode == 0 and "1 passed" in short.stdout
    assert "2 long tests were left out: ./run.sh test --full runs them, too" in short.stdout
    full = run_suite(tmp_path, LONG, "--full")
    assert full.returncode == 0 and "3 passed" in full.stdout and "left out" not in full.stdout
