"""The documents judged: every sentence with what became of it, as plain data for `explain --claims` and for the report.

A sentence's clauses are of two kinds. A claim says something of the world: confirmed, refuted or qualified. Any other is a demand on
pools; whether one meets it is a matter of runs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from judge import checkers
from judge.clauses import SAYS, Clause
from judge.project import Project
from judge.scenario import Scenario

SHOWN = 3  # scenarios of a clause that stand on its line
WIDTH, INDENT = 126, " " * 19


def documents(project: Project, scenarios: dict[str, Scenario]) -> list[dict[str, Any]]:
    """Each document with its sentences in order."""
    citing = shown_by(scenarios)
    return [
        {
            "name": document.name, "title": document.public_name,
            "sentences": [
                {
                    "number": one.number, "text": one.text, "not_checkable": one.not_checkable,
                    "clauses": [clause_row(project.clauses[name], citing.get(name, [])) for name in one.clauses],
                }
                for one in document.sentences
            ],
        }
        for document in project.documents
    ]  # fmt: skip


def clause_row(clause: Clause, scenarios: list[str]) -> dict[str, Any]:
    return {
        "clause": clause.id, "level": clause.level, "text": clause.text, "says": clause.says, "happens": clause.happens,
        "scenarios": scenarios, "test": clause.test, "every_trace": clause.id in checkers.universal(),
    }


def shown_by(scenarios: dict[str, Scenario]) -> dict[str, list[str]]:
    """Clause → the scenarios that cite it."""
    found: dict[str, list[str]] = {}
    for one in scenarios.values():
        for clause in dict.fromkeys(check.clause for check in one.checks):
            found.setdefault(clause, []).append(one.name)
    for clause, names in found.items():  # that of its own name first, then its family's
        names.sort(key=lambda name: (name != clause, name.partition("/")[0] != clause.partition("/")[0], name))
    return found


def counts(document: dict[str, Any]) -> dict[str, int]:
    """How many sentences, and how many of them came to what. A sentence counts with each kind of clause that it has."""
    own = document["sentences"]
    kinds = {word: sum(any(row["says"] == word for row in one["clauses"]) for one in own) for word in SAYS}
    demands = sum(any(row["says"] is None for row in one["clauses"]) for one in own)
    return {"sentences": len(own), **kinds, "demands": demands, "not checkable": sum(not one["clauses"] for one in own)}


def text(documents: list[dict[str, Any]]) -> Iterator[str]:
    for document in documents:
        counted = ", ".join(f"{number} {word}" for word, number in counts(document).items() if number)
        yield from (f"{document['title']}  [{document['name']}]", f"  {counted}", "")
        for sentence in document["sentences"]:
            if not sentence["clauses"]:
                continue
            yield from textwrap.wrap(
                f"{sentence['number']:>4}  “{sentence['text']}”", WIDTH, subsequent_indent="      ", break_long_words=False,
            )
            for row in sentence["clauses"]:
                yield from claim_text(row)
        yield ""


def shown(row: dict[str, Any]) -> str:
    """What shows a clause, in short."""
    scenarios = row["scenarios"]
    words = [*scenarios[:SHOWN], *([f"{len(scenarios) - SHOWN} more"] if len(scenarios) > SHOWN else [])]
    words += ["every trace"] if row["every_trace"] else []
    return ", ".join([*words, *([row["test"]] if row["test"] else [])])


def claim_text(row: dict[str, Any]) -> Iterator[str]:
    yield f"        {row['says'] or 'a demand':<10} {row['clause']:<36} {shown(row)}"
    if row["says"]:
        yield from textwrap.wrap(f"claimed: {row['text']}", WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
        yield from textwrap.wrap(f"happens: {row['happens']}", WIDTH, initial_indent=INDENT, subsequent_indent=INDENT)
