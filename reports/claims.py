"""claims.html: every sentence of the documents, what it became, and how that went in this run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from . import files, verdicts
from .markup import templates

SAYS = ("confirmed", "qualified", "refuted")


def load(folder: Path) -> list[dict[str, Any]]:
    """What claims.json has; nothing where there is none, as in a bench. Raises files.BadFile."""
    path = folder / "claims.json"
    return files.document(path, "claims/1")["documents"] if path.exists() else []


def judged(results: dict[str, Any]) -> dict[str, list[tuple[str, str, bool]]]:
    """Clause → for each subject the worst verdict of this run, and whether it was known."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in results.get("results") or []:
        groups.setdefault((str(one.get("clause")), str(one.get("subject"))), []).append(one)
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for (clause, subject), own in sorted(groups.items()):
        ran = [one for one in own if one.get("verdict") != "skipped"] or own
        worst = verdicts.worst([str(one.get("verdict")) for one in ran])
        known = all(one.get("known") for one in ran if one.get("verdict") == worst)
        found.setdefault(clause, []).append((subject, worst, known))
    return found


def counts(document: dict[str, Any]) -> list[tuple[str, int]]:
    """Of the claims of a document, each counted once; then its other clauses, and the sentences that cannot be checked."""
    rows = {row["clause"]: row["says"] for one in document["sentences"] for row in one["clauses"]}
    counted = Counter(rows.values())
    told = [(word, counted[word]) for word in SAYS] + [("demanded of a pool", counted[None])]
    told.append(("not checkable", sum(not one["clauses"] for one in document["sentences"])))
    return [(word, number) for word, number in told if number]


def html(documents: list[dict[str, Any]], results: dict[str, Any]) -> str:
    # The documents that claim something come first: there is more to learn from them.
    documents = sorted(documents, key=lambda one: not any(row["says"] for sentence in one["sentences"] for row in sentence["clauses"]))
    return templates().get_template("claims.html.j2").render(
        documents=[{**one, "counts": counts(one)} for one in documents], judged=judged(results), signs=verdicts.SIGNS,
        about=verdicts.about(results),
    )  # fmt: skip
