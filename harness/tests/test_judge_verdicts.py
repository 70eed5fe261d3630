"""Verdicts, exit codes, known failures, gates, and the files that are made of them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from judge import gate, junit, known_failing
from judge.errors import UsageError
from judge.results import Results
from judge.trace import Finding
from judge.verdicts import block, exit_code, heavier, verdict_of, worst

MET = Finding(True, "e", "s")
MISSED = Finding(False, "e", "s")
LATE = Finding(False, "e", "s", margin_ms=100)


@pytest.mark.parametrize(("finding", "level", "lag_ms", "strict", "verdict"), [
    (MET, "required", 0, False, "pass"),
    (MISSED, "required", 999, False, "fail"),
    (MISSED, "optimal", 0, False, "advisory"),
    (MISSED, "optimal", 0, True, "fail"),
    (MISSED, "claim", 0, False, "fail"),
    (MISSED, "observe", 0, True, "observed"),
    (LATE, "required", 49, False, "fail"),
    (LATE, "required", 50, False, "inconclusive"),
    (LATE, "optimal", 50, False, "inconclusive"),
])
def test_verdict(finding, level, lag_ms, strict, verdict):
    assert verdict_of(finding, level, lag_ms, strict) == verdict


def row(verdict: str, scenario: str = "f/a", clause: str = "c/a", level: str = "required", subject: str = "s", repeat: int = 1) -> dict:
    return {
        "scenario": scenario, "subject": subject, "repeat": repeat, "clause": clause, "level": level, "verdict": verdict, "seen": "x",
        "expected": "y", "trace": "t", "reproduce": "r",
    }


@pytest.mark.parametrize(("verdicts", "problems", "code"), [
    (["pass"], False, 0),
    (["pass", "advisory", "observed", "skipped"], False, 0),
    (["pass", "fail"], False, 1),
    (["pass"], True, 1),
    (["pass", "error"], False, 3),
    (["pass", "blocked"], False, 3),
    (["pass", "inconclusive"], False, 3),
    (["fail", "error"], False, 3),
    (["skipped"], False, 3),
    ([], False, 3),
])
def test_exit_code(verdicts, problems, code):
    assert exit_code([row(verdict) for verdict in verdicts], problems) == code


def test_nothing_required_judged_is_not_green():
    assert exit_code([row("pass", level="optimal")], False) == 3


def test_known_failures_are_as_expected():
    assert exit_code([row("fail") | {"known": {"reason": "r", "link": "l"}}], False) == 0


def test_codes_have_an_order():
    assert [heavier(*codes) for codes in ((0, 1), (1, 3), (3, 2), (2, 130))] == [1, 3, 2, 130]


def test_worst():
    assert worst(["pass", "advisory"]) == "advisory"
    assert worst(["fail", "error"]) == "fail"
    assert worst([]) == "skipped"


@pytest.mark.parametrize(("control", "own", "verdict"), [
    ("pass", "pass", "pass"),
    ("advisory", "pass", "pass"),
    ("fail", "pass", "blocked"),
    ("error", "observed", "blocked"),
    ("fail", "fail", "fail"),
    ("skipped", "pass", "skipped"),
    (None, "pass", "blocked"),
])
def test_control_blocks(control, own, verdict):
    results = [row(own, "f/dependent")] + ([row(control, "f/control")] if control else [])
    block(results, {"f/dependent": ("f/control",)})
    assert results[0]["verdict"] == verdict


def test_only_the_own_subjects_control_blocks():
    results = [row("pass", "f/d", subject="a"), row("pass", "f/c", subject="a"), row("fail", "f/c", subject="b")]
    block(results, {"f/d": ("f/c",)})
    assert results[0]["verdict"] == "pass"


# Known failures.

PAIRS = {("f/a", "c/a"), ("f/b", "c/b")}


def covered(line: str, results: list[dict], tmp_path) -> list[str]:
    path = tmp_path / "x.known-failing"
    path.write_text(f"# a comment\n\n{line}\n")
    return known_failing.cover(results, known_failing.load_known(path), PAIRS)


@pytest.mark.parametrize("line", ["f/a | why | link", "f/*:c/a | why | link", "*:c/? | why | link"])
@pytest.mark.parametrize("verdict", ["fail", "advisory"])
def test_entry_covers(line, verdict, tmp_path):
    results = [row(verdict)]
    assert covered(line, results, tmp_path) == []
    assert results[0]["known"] == {"reason": "why", "link": "link"}


def test_entry_covers_no_error(tmp_path):
    results = [row("error")]
    covered("f/a | why | link", results, tmp_path)
    assert "known" not in results[0]


def test_entry_that_passes_is_a_problem(tmp_path):
    assert "passes: take the entry out" in covered("f/a | why | link", [row("pass")], tmp_path)[0]


def test_entry_that_matches_nothing_is_a_problem(tmp_path):
    assert "matches no scenario and clause" in covered("f/z | why | link", [row("pass")], tmp_path)[0]


def test_entry_of_what_was_not_run_is_none(tmp_path):
    assert covered("f/b | why | link", [row("pass")], tmp_path) == []


def test_bad_entry(tmp_path):
    with pytest.raises(UsageError, match=r"x.known-failing:3: an entry is"):
        covered("f/a | no link", [], tmp_path)


# Gates.

def load(scenario: str = "load/a", tags: tuple[str, ...] = ("healthy",), **figures: float) -> dict:
    return {"scenario": scenario, "tags": tags, "figures": figures}


@pytest.mark.parametrize(("text", "loads", "broken"), [
    ("reuse<0.95", [load(reuse_rate=0.94)], [True]),
    ("reuse<0.95", [load(reuse_rate=0.95)], [False]),
    ("errors>0, reuse<0.5", [load(reuse_rate=0.9, failed=0)], [False, False]),
    ("errors>=1", [load(failed=1), load(failed=0)], [True, False]),
    ("errors>0", [load(tags=(), failed=5)], [True]),
    ("load/*:errors>0", [load(tags=(), failed=5)], [True]),
    ("load/b:errors>0", [load(failed=5), load("load/b", failed=0)], [False]),
    ("reuse_p99_us>100", [load(reuse_p99_us=None)], [True]),
])
def test_gate(text, loads, broken):
    assert [one["broken"] for one in gate.judge_gates(gate.parse(text), loads)] == broken


@pytest.mark.parametrize("text", ["reuse", "reuse<", "reuse<x", "<1", "reuse<1.2.3", "unknown<1"])
def test_bad_gate(text):
    with pytest.raises(UsageError, match="--fail-on"):
        gate.parse(text)


# The whole.

def record(verdict: str, scenario: str = "f/a") -> dict:
    where = {"scenario": scenario, "subject": "s", "repeat": 1}
    return {"results": [row(verdict, scenario)], "loads": [], "run": where | {"elapsed_s": 0.5, "verdict": verdict}}


def finished(tmp_path, *records: dict, controls: dict | None = None, rules: str = "", interrupted: bool = False) -> dict:
    results = Results("./run.sh scenario", tmp_path, interrupted=interrupted)
    for one in records:
        results.add(one)
    results.finish(controls or {}, [], PAIRS, gate.parse(rules))
    return results.as_dict()


def test_results(tmp_path):
    found = finished(tmp_path, record("pass", "f/b"), record("fail", "f/c"), controls={"f/b": ("f/c",)})
    assert found["schema"] == "results/1"
    assert found["exit"] == 3
    assert found["counts"]["blocked"] == found["counts"]["fail"] == 1
    assert {run["scenario"]: run["verdict"] for run in found["runs"]} == {"f/b": "blocked", "f/c": "fail"}
    assert finished(tmp_path, record("pass"), interrupted=True)["exit"] == 130
    assert finished(tmp_path, record("pass"), rules="errors>0")["exit"] == 1, "a gate that looks at nothing is not green"


def test_junit(tmp_path):
    known = record("fail")
    known["results"][0]["known"] = {"reason": "why", "link": "l"}
    strange = record("fail", "f/s")
    strange["results"][0]["seen"] = "a\x00b <&>"
    found = finished(tmp_path, record("pass"), known, strange, record("error", "f/e"), record("skipped", "f/k"), rules="errors>0")
    suite = ET.fromstring(junit.text(found).split("\n", 1)[1]).find("testsuite")
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "6", "failures": "2", "errors": "1", "skipped": "2",
    }
    assert "a?b <&>" in suite.find("testcase[@classname='s.f/s']/failure").get("message")
