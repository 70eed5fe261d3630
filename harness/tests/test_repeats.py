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

REPEATS, OF_LOADS = 200, 10  # a load run has some thousand requests already
AT_A_TIME, SIDE_BY_SIDE = 8, 6  # scenarios in a run: its results and traces are looked at, then thrown away
BOUND_S = 90 * 60
LASTING = [one for one in load_scenarios(PROJECT).values() if "slow" not in one.tags]
STEPS = [one.name for one in LASTING if one.load is None]
LOADS = [one.name for one in LASTING if one.load is not None]


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


def repeat(names: list[str], repeats: int, out: Path) -> list[str]:
    argv = [PYTHON, "-m", "judge", "scenario", *names, "--repeat", repeats, "--jobs", SIDE_BY_SIDE, "--quiet", "--out", out]
    ran = subprocess.run(list(map(str, argv)), cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    try:
        found = json.loads((out / "results.json").read_text())
    except OSError:
        return [f"{' '.join(names)}: {ran.stdout[-500:]}{ran.stderr[-500:]}"]
    wrong = others(found["results"]) + found["problems"]
    if not wrong:
        shutil.rmtree(out)
    return wrong or ([] if ran.returncode == 0 else [f"{' '.join(names)}: exit {ran.returncode}"])


@pytest.mark.full
@pytest.mark.timeout(3 * BOUND_S)
def test_no_other_verdict(tmp_path: Path) -> None:
    begun, wrong = time.monotonic(), []
    for names, repeats in ((STEPS, REPEATS), (LOADS, OF_LOADS)):
        for first in range(0, len(names), AT_A_TIME):
            wrong += repeat(names[first : first + AT_A_TIME], repeats, tmp_path / f"{repeats}-{first}")
    took_s = time.monotonic() - begun
    print(f"{len(STEPS)} scenarios {REPEATS} times and {len(LOADS)} load runs {OF_LOADS} times, {SIDE_BY_SIDE} side by side on "
          f"{len(os.sched_getaffinity(0))} cores: no other verdict in {took_s / 60:.0f} min")
    assert not wrong, "\n".join(wrong)
    assert took_s < BOUND_S


def test_two_repetitions_agree(tmp_path: Path) -> None:
    assert repeat(["object/close-is-final", "reuse/counts"], 2, tmp_path / "out") == []


def test_another_verdict_is_told() -> None:
    def rows(*words: str) -> list[dict[str, object]]:
        return [{"scenario": "a/b", "clause": "a/x", "verdict": word} for word in words]

    assert others(rows("pass", "pass")) == others(rows("observed")) == []
    assert others(rows("pass", "inconclusive", "pass")) == ["a/b: a/x: 2 pass, 1 inconclusive"]
    assert others(rows("fail", "fail")) == ["a/b: a/x: 2 fail"]
