"""The two Java clients: their adapters speak the protocol, and they differ where a blocking client and one with a selector differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from judge import adapter_check
from judge.attempts import run_and_judge
from judge.known_failing import cover, load_known
from judge.project import Project
from judge.runner import Settings
from judge.scenario import load_scenarios
from judge.subject import find_adapter

PROJECT = Project.here()
SCENARIOS = load_scenarios(PROJECT)


def verdicts(name: str, subject: str, folder: Path) -> dict[str, str]:
    for kind in ("traces", "logs"):
        (folder / kind).mkdir(exist_ok=True)
    outcome = run_and_judge(PROJECT, SCENARIOS[name], find_adapter(subject, PROJECT), Settings(folder))
    return {result["clause"]: result["verdict"] for result in outcome.results}


@pytest.mark.parametrize("subject", ["java_io", "java_nio"])
def test_speaks_the_protocol(subject: str) -> None:
    assert [(what, why) for what, why in adapter_check.check(find_adapter(subject, PROJECT), PROJECT) if why] == []


@pytest.mark.parametrize(("scenario", "clauses"), [
    ("reset/fin-while-idle", ["idle/fin-closes"]),
    ("http/stray-response", ["http/stray-never-response", "idle/stray-not-reused"]),
    ("http/surplus-response", ["http/surplus-never-response"]),
])  # fmt: skip
def test_the_blocking_client_misses_it_the_selector_does_not(scenario: str, clauses: Sequence[str], tmp_path: Path) -> None:
    missed = verdicts(scenario, "java_io", tmp_path)
    assert {clause for clause in clauses if missed[clause] == "fail"} == set(clauses)
    assert set(verdicts(scenario, "java_nio", tmp_path).values()) == {"pass"}


@pytest.mark.parametrize("subject", ["java_io", "java_nio"])
@pytest.mark.parametrize("scenario", [
    "reset/idle-fin-seen", "reset/overtaken", "reset/announced", "reset/jdk-read", "http/late-response", "nginx/switched",
])  # fmt: skip
def test_neither_misses_it(subject: str, scenario: str, tmp_path: Path) -> None:
    assert set(verdicts(scenario, subject, tmp_path).values()) <= {"pass", "observed"}


@pytest.mark.parametrize("scenario", ["reset/unchecked", "reset/jdk-write"])
def test_without_the_stale_check(scenario: str, tmp_path: Path) -> None:
    assert set(verdicts(scenario, "java_io", tmp_path).values()) == {"pass"}
    assert set(verdicts(scenario, "java_nio", tmp_path).values()) == {"skipped"}


def test_what_is_known_is_named_by_scenario_and_clause() -> None:
    pairs = {(name, check.clause) for name, scenario in SCENARIOS.items() for check in scenario.checks}
    on_every_trace = ("trace/nothing-dirty-reused", "trace/right-caller", "scenario/steps-answered")
    pairs |= {(name, clause) for name in SCENARIOS for clause in on_every_trace}
    for subject in ("java_io", "java_nio"):
        assert cover([], load_known(find_adapter(subject, PROJECT).known_failing), pairs) == []
