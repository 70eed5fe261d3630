"""claims.html: the documents judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import reports
from reports import claims

HOSTILE = "<script>alert(1)</script>"


def row(clause: str, says: str | None, happens: str | None = None) -> dict[str, object]:
    return {"clause": clause, "level": "claim" if says else "required", "text": HOSTILE, "says": says, "happens": happens,
            "scenarios": ["a/1", "a/2", "a/3", "a/4"], "test": None, "every_trace": False}  # fmt: skip


DOCUMENT = {
    "name": "article", "title": "an article",
    "sentences": [
        {"number": 1, "text": HOSTILE, "not_checkable": "a heading", "clauses": []},
        {"number": 2, "text": "s", "not_checkable": None, "clauses": [row("a/x", "refuted", "quite the contrary"), row("a/y", None)]},
        {"number": 3, "text": "s", "not_checkable": None, "clauses": [row("a/x", "refuted", "quite the contrary")]},
    ],
}  # fmt: skip


def verdict(clause: str, word: str, **more: object) -> dict[str, object]:
    return {"clause": clause, "subject": "s", "verdict": word, "scenario": "a/1", "repeat": 1} | more


def test_the_page(tmp_path: Path) -> None:
    (tmp_path / "claims.json").write_text(json.dumps({"schema": "claims/1", "documents": [DOCUMENT]}))
    results = {"schema": "results/1", "results": [verdict("a/y", "pass")]}
    reports.build(tmp_path, results)
    page = (tmp_path / "claims.html").read_text()
    assert HOSTILE not in page and "&lt;script&gt;" in page
    assert "1 refuted, 1 demanded of a pool, 1 not checkable" in page, "a claim that two sentences make is one"
    assert "quite the contrary" in page and "a/1, a/2, a/3, 1 more" in page and "✓ pass</span> s" in page
    assert 'href="./claims.html"' in (tmp_path / "index.html").read_text()


def test_documents_that_cannot_be_read_cost_their_page_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "claims.json").write_text("{")
    reports.build(tmp_path, {"schema": "results/1", "results": []})
    assert not (tmp_path / "claims.html").exists()
    assert "claims.json is not JSON" in (tmp_path / "index.html").read_text() and "claims.json is not JSON" in capsys.readouterr().err


def test_a_run_without_documents_has_no_page(tmp_path: Path) -> None:
    reports.build(tmp_path, {"schema": "results/1", "results": []})
    assert not (tmp_path / "claims.html").exists() and "claims.html" not in (tmp_path / "index.html").read_text()


@pytest.mark.parametrize(("words", "worst"), [
    ((("pass", {}), ("fail", {"known": {"reason": "r"}})), ("s", "fail", True)), ((("skipped", {}), ("pass", {})), ("s", "pass", False)),
    ((("fail", {"known": {"reason": "r"}}), ("fail", {})), ("s", "fail", False)), ((("skipped", {}),), ("s", "skipped", False)),
])  # fmt: skip
def test_the_worst_of_a_clause(words: tuple, worst: tuple) -> None:
    assert claims.judged({"results": [verdict("a/x", word, **more) for word, more in words]}) == {"a/x": [worst]}
