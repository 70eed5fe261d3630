"""The tracked file of a subject's last verdicts: what a run replaces, and what it leaves."""

from __future__ import annotations

from pathlib import Path

from judge import record
from judge.commands.list import clause_line

KNOWN = {("a/one", "a/x"), ("a/two", "a/x"), ("b/one", "b/y")}


def row(clause: str, scenario: str, verdict: str, **more: object) -> dict[str, object]:
    return {"clause": clause, "scenario": scenario, "subject": "s", "verdict": verdict} | more


def test_the_worst_of_a_clause_is_its_verdict_and_the_known_is_marked(tmp_path: Path) -> None:
    rows = [row("a/x", "a/one", "pass"), row("a/x", "a/two", "fail", known={"reason": "r"}), row("b/y", "b/one", "observed")]
    assert record.write(tmp_path, rows, KNOWN) == [tmp_path / "s.json"]
    assert record.load_all(tmp_path)["s"] == {
        "a/x": {"verdict": "fail (known)", "scenarios": {"a/one": "pass", "a/two": "fail (known)"}},
        "b/y": {"verdict": "observed", "scenarios": {"b/one": "observed"}},
    }


def test_a_part_replaces_what_it_judges_and_what_is_gone_goes(tmp_path: Path) -> None:
    record.write(tmp_path, [row("a/x", "a/one", "fail"), row("a/x", "a/two", "pass"), row("b/y", "b/one", "pass")], KNOWN)
    record.write(tmp_path, [row("a/x", "a/one", "pass")], KNOWN - {("b/one", "b/y")})
    assert record.load_all(tmp_path)["s"] == {"a/x": {"verdict": "pass", "scenarios": {"a/one": "pass", "a/two": "pass"}}}


def test_of_a_clause_of_every_trace_only_what_went_wrong_is_kept(tmp_path: Path) -> None:
    clause = "trace/right-caller"
    record.write(tmp_path, [row(clause, "a/one", "pass"), row(clause, "a/two", "fail")], KNOWN)
    assert record.load_all(tmp_path)["s"][clause] == {"verdict": "fail", "scenarios": {"a/two": "fail"}}
    record.write(tmp_path, [row(clause, "a/two", "pass")], KNOWN)
    assert record.load_all(tmp_path)["s"][clause] == {"verdict": "pass", "scenarios": {}}


def test_list_clauses_shows_scenarios_and_last_verdicts() -> None:
    one = {"name": "a/x", "summary": "text", "scenarios": ["a/1", "a/2", "a/3", "a/4"], "every_trace": False, "test": None,
           "last": {"s": "pass", "t": "fail (known)"}}  # fmt: skip
    assert clause_line(one, 5) == "a/x    [s pass, t fail (known)]  (a/1, a/2, a/3, 1 more)  text"
    assert "[not judged yet]" in clause_line(one | {"last": {}}, 5)
