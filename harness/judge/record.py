"""reports/results/SUBJECT.json: the last verdict of each clause, one tracked file per subject, sorted and without times, so that a
change of it is a change of verdicts. `./run.sh scenario --record` writes it; running a part replaces what that part judges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from judge import checkers
from judge.clause_verdicts import by_clause, weight
from judge.errors import HarnessError
from judge.results import write_json
from judge.table import shown

Record = dict[str, dict[str, Any]]  # clause → {"verdict": ..., "scenarios": {scenario: verdict}}


def path_of(folder: Path, subject: str) -> Path:
    return folder / f"{subject}.json"


def load(path: Path) -> Record:
    try:
        return json.loads(path.read_text(encoding="utf-8"))["clauses"]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError) as err:
        raise HarnessError(f"{shown(path)}: not a record of verdicts: {err}") from None


def load_all(folder: Path) -> dict[str, Record]:
    """Subject → its record."""
    return {path.stem: load(path) for path in sorted(folder.glob("*.json"))}


def write(folder: Path, results: list[dict[str, Any]], known: set[tuple[str, str]]) -> list[Path]:
    """The verdicts of a run, for each of its subjects. known: every scenario with every clause that it cites; what is not among them any
    more is dropped."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for subject in sorted({one["subject"] for one in results}):
        path = path_of(folder, subject)
        write_json(path, {"subject": subject, "clauses": merged(load(path), by_clause(results, subject), known)})
        written.append(path)
    return written


def merged(old: Record, new: dict[str, dict[str, str]], known: set[tuple[str, str]]) -> Record:
    ran = {scenario for scenarios in new.values() for scenario in scenarios}
    found: Record = {}
    for clause in sorted(old.keys() | new.keys()):
        every_trace = clause in checkers.universal()
        kept = {name: word for name, word in old.get(clause, {}).get("scenarios", {}).items() if name not in ran}
        scenarios = {
            name: word
            for name, word in sorted((kept | new.get(clause, {})).items())
            if (word != "pass" if every_trace else (name, clause) in known)  # of those of every trace only what went wrong
        }
        if scenarios or every_trace:
            verdict = max(scenarios.values(), key=weight, default="pass")
            found[clause] = {"verdict": "pass" if every_trace and verdict == "skipped" else verdict, "scenarios": scenarios}
    return found
