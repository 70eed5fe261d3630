"""NAME.known-failing, beside a subject's adapter: what is known to fail, why, and where that is discussed. One entry a line:

    SCENARIO[:CLAUSE] | reason | link

Both are globs. An entry covers fail and advisory. One whose clauses all pass, or that matches nothing, is a problem: lists
rot."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from judge.errors import UsageError
from judge.table import shown

COVERED = ("fail", "advisory")


@dataclass(frozen=True)
class Entry:
    scenario: str
    clause: str
    reason: str
    link: str
    where: str

    def matches(self, scenario: str, clause: str) -> bool:
        return fnmatchcase(scenario, self.scenario) and fnmatchcase(clause, self.clause)


def load_known(path: Path) -> list[Entry]:
    if not path.exists():
        return []
    entries = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3 or not all(parts):
            raise UsageError(f'{shown(path)}:{number}: an entry is "SCENARIO[:CLAUSE] | reason | link"')
        scenario, _, clause = parts[0].partition(":")
        entries.append(Entry(scenario, clause or "*", parts[1], parts[2], f"{shown(path)}:{number}"))
    return entries


def cover(results: list[dict[str, Any]], entries: list[Entry], pairs: set[tuple[str, str]]) -> list[str]:
    """Marks what is covered; returns a sentence for each entry that is wrong. `pairs`: every scenario with every clause it
    cites, also of those that were not run: an entry for one of these is not at fault."""
    problems = []
    for entry in entries:
        if not any(entry.matches(*pair) for pair in pairs):
            problems.append(f"{entry.where}: matches no scenario and clause")
            continue
        judged = [r for r in results if entry.matches(r["scenario"], r["clause"])]
        failing = [r for r in judged if r["verdict"] in COVERED]
        for one in failing:
            one["known"] = {"reason": entry.reason, "link": entry.link}
        if not failing and any(r["verdict"] == "pass" for r in judged):
            problems.append(f"{entry.where}: listed as failing ({entry.reason}), but passes: take the entry out")
    return problems
