"""Each scenario again and again, side by side with more jobs than cores: never another verdict."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from judge.project import PYTHON
from judge.scenario import load_scenarios
from judge_kit import PROJECT, ROOT, environment

ROUNDS, IN_ROUND = 10, 20  # results and traces of a round are looked at, then thrown away
CORES = len(os.sched_getaffinity(0))
SIDE_BY_SIDE = 10 * CORES  # most of a scenario is waiting: this many keep the cores busy
BOUND_S = 90 * 60
SCENARIOS = load_scenarios(PROJECT)
WAITING = "timeout/default-60s"  # a minute, and nothing to do in it


def others(results: list[dict[str, object]]) -> list[str]:
    """A sentence for each clause of a scenario whose repetitions came to different verdicts, or to one that is not as expected."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for one in results:
        found.setdefault((str(one["scenario"]), str(one["clause"])), Counter())[str(one["verdict"])] += 1
    good = {"pass", "observed", "skipped"}
    return [
        f"{scenario}: {clause}: {', '.join(f'{number} {word}' for word, number in counted.most_common())}"
        for (scenario, clause), counted in sorted(found.items())
        if len(counted) > 1 or not good & counted.keys()
    ]


def repeat(names: list[str], repeats: int, out: Path, seed: int = 1, jobs: int = SIDE_BY_SIDE) -> list[str]:
    argv = [
        PYTHON, "-m", "judge", "scenario", *names, "--repeat", repeats, "--seed", seed, "--jobs", jobs, "--quiet", "--out", out
    ]  # fmt: skip
    ran = subprocess.run(list(map(str, argv)), cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    try:
        found = json.loads((out / "results.json").read_text())
    except OSError:
        return [f"{' '.join(names[:3])}: {ran.stdout[-500:]}{ran.stderr[-500:]}"]
    wrong = others(found["results"]) + found["problems"]
    if not wrong:
        shutil.rmtree(out)
    return wrong or ([] if ran.returncode == 0 else [f"{' '.join(names[:3])}: exit {ran.returncode}"])


@pytest.mark.full
@pytest.mark.timeout(2 * BOUND_S)
def test_no_other_verdict(tmp_path: Path) -> None:
    begun, wrong = time.monotonic(), []
    for seed in range(1, ROUNDS + 1):
        wrong += repeat([name for name in SCENARIOS if name != WAITING], IN_ROUND, tmp_path / f"round-{seed}", seed)
    wrong += repeat([WAITING], ROUNDS * IN_ROUND, tmp_path / "waiting", jobs=50 * CORES)
    assert not wrong, "\n".join(wrong)
    took_s = time.monotonic() - begun
    print(f"{len(SCENARIOS)} scenarios, {ROUNDS * IN_ROUND} times each, {SIDE_BY_SIDE} side by side on {CORES} cores: "
          f"no other verdict in {took_s / 60:.0f} min")
    assert took_s < BOUND_S


def test_two_repetitions_agree(tmp_path: Path) -> None:
    assert repeat(["object/close-is-final", "reuse/counts"], 2, tmp_path / "out") == []


def test_another_verdict_is_told() -> None:
    def rows(*words: str) -> list[dict[str, object]]:
        return [{"scenario": "a/b", "clause": "a/x", "verdict": word} for word in words]

    assert others(rows("pass", "pass")) == others(rows("observed")) == []
    assert others(rows("pass", "inconclusive", "pass")) == ["a/b: a/x: 2 pass, 1 inconclusive"]
    assert others(rows("fail", "fail")) == ["a/b: a/x: 2 fail"]
