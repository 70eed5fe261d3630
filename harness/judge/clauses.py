"""Clauses: what a document or an RFC promises, one a table, in scenarios/semantics/<family>.toml.

    text, source, since     in our own words; where it stands; our version that brought it
    level                   LEVELS
  and of a claim, whose text is what the document claims:
    says                    SAYS: whether that is so
    happens                 a sentence: what happens instead, or how far the claim holds; of one that is confirmed it may be left out
    test                    "test_FILE.py::test_NAME", optional: what shows it where no scenario can"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from judge.table import Table

LEVELS = {
    "required": "the document or RFC says must",
    "optimal": "should, or plain good sense",
    "observe": "reported, never failed",
    "claim": "a document states a fact about the world; red only when reality is not what the clause records",
}
SAYS = ("confirmed", "refuted", "qualified")


@dataclass(frozen=True)
class Clause:
    id: str
    text: str
    source: str
    level: str
    since: str
    says: str | None  # of a claim, as the next two
    happens: str | None
    test: str | None


def load_clauses(folder: Path) -> dict[str, Clause]:
    """Every clause by id."""
    clauses: dict[str, Clause] = {}
    for path in sorted(folder.glob("*.toml")):
        family = Table.load(path)
        for slug in family.data:
            clause = read_clause(path.stem, slug, family.table(slug))
            clauses[clause.id] = clause
    return clauses


def read_clause(family: str, slug: str, table: Table) -> Clause:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise table.error(f'"{slug}" is not a slug: lower-case words with hyphens')
    level = table.choice("level", LEVELS)
    is_claim = level == "claim"
    says = table.choice("says", SAYS) if is_claim else None
    clause = Clause(
        id=f"{family}/{slug}",
        text=table.text("text"),
        source=table.text("source"),
        level=level,
        since=table.text("since"),
        says=says,
        happens=table.text("happens", *(["as claimed"] if says == "confirmed" else [])) if is_claim else None,
        test=table.text("test", None) if is_claim else None,
    )
    table.end()
    return clause
