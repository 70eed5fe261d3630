"""The canary: an ordinary run judges a pool that is known to be broken, and does not trust itself where it finds nothing wrong with it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from judge import canary
from judge.project import PYTHON
from judge_kit import PROJECT, ROOT, environment, judge

HEALTHY = "setkeepalive/returned-is-reused"
TAME = """
import sys
from dataclasses import replace
from judge import canary, cli
broken = canary.mutant
canary.mutant = lambda project: replace(broken(project), name="unbroken", edits=())
sys.exit(cli.main(sys.argv[1:]))
"""


def test_it_is_caught_and_said_and_counts_nowhere(tmp_path: Path) -> None:
    ran = judge("scenario", HEALTHY, out=tmp_path / "out")
    assert ran.code == 0
    assert f"canary: a pool that is broken on purpose ({canary.NAME}) was caught by key/other-port, at key/other-port" in ran.out
    assert {run["scenario"] for run in ran.results["runs"]} == {HEALTHY}
    assert not any("key/" in one["clause"] for one in ran.results["results"])
    assert ran.results["canary"]["caught"]


def test_one_that_is_not_broken_survives_and_the_run_cannot_be_relied_upon(tmp_path: Path) -> None:
    argv = [PYTHON, "-c", TAME, "scenario", HEALTHY, "--out", tmp_path / "out"]
    ran = subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 3, ran.stdout + ran.stderr
    assert "the canary survives: a pool that is broken at key/other-port (unbroken) was judged" in ran.stdout
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["canary"]["caught"] is None and {one["verdict"] for one in results["results"]} == {"pass"}


def test_it_is_built_once() -> None:
    one = canary.mutant(PROJECT)
    program = canary.hatched(PROJECT, one).program("reference")
    made = program.stat().st_mtime_ns
    assert canary.hatched(PROJECT, one).program("reference").stat().st_mtime_ns == made
