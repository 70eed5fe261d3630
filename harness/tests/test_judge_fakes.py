"""The judge against a right pool and wrong ones that are not ours in C: the right one passes, each wrong one is convicted
at the clause that names what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from judge.attempts import run_and_judge
from judge.runner import Settings
from judge.scenario import read_scenario
from judge.session import prepare
from judge.subject import find_adapter
from judge_kit import FAKES, PROJECT, subject

WRONG = {  # (class, scenario): the clause
    ("NoIdleWatch", "idle/fin"): "idle/fin-closes",
    ("NoIdleWatch", "idle/stray-byte"): "idle/stray-closes",
    ("ReusesDirty", "idle/stray-byte"): "trace/nothing-dirty-reused",
    ("ReusesDirty", "idle/stray-response"): "trace/right-caller",
    ("NeverReuses", "setkeepalive/returned-is-reused"): "reuse/pool-before-new",
    ("EvictsNewest", "eviction/least-recently-returned"): "eviction/least-recently-returned",
    ("EvictsByAge", "eviction/not-by-age"): "eviction/not-by-age",
    ("NeverEvicts", "size/argument"): "trace/idle-within-size",
    ("SizeFromLastCaller", "size/later-larger-ignored"): "size/fixed",
    ("IgnoresTimeout", "timeout/explicit"): "trace/idle-within-timeout",
    ("ClosesTooEarly", "timeout/explicit"): "timeout/explicit",
    ("IgnoresDubious", "setkeepalive/dubious"): "setkeepalive/dubious",
    ("LeavesOpen", "object/closed-after-success"): "object/closed-after-success",
    ("HidesReuse", "setkeepalive/returned-is-reused"): "trace/books-equal",
    ("ForgetsKey", "key/other-port"): "key/other-port",
}


def verdicts(adapter: Path, scenario: str, out: Path) -> dict[str, str]:
    """Clause → verdict."""
    read = read_scenario(PROJECT.scenarios / f"{scenario}.toml", PROJECT)
    outcome = run_and_judge(PROJECT, read, find_adapter(str(adapter), PROJECT), Settings(prepare(out), scale=0.4))
    return {one["clause"]: one["verdict"] for one in outcome.results}


@pytest.mark.parametrize("scenario", sorted({scenario for _, scenario in WRONG}))
def test_right_pool_passes(scenario, tmp_path):
    found = verdicts(FAKES / "right.py", scenario, tmp_path)
    assert set(found.values()) == {"pass"}, found


@pytest.mark.parametrize(("name", "scenario"), WRONG)
def test_wrong_pool_is_convicted(name, scenario, tmp_path):
    found = verdicts(subject(tmp_path, "wrong", name), scenario, tmp_path)
    assert found.get(WRONG[name, scenario]) == "fail", found
