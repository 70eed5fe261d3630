"""--fail-on 'reuse<0.95,errors>0': what makes a run red beside its verdicts.

A term is [GLOB:]FIGURE OP NUMBER and is looked at for each load run whose scenario the glob matches; without one, for the
load runs that are tagged `healthy`, where the server does nothing wrong."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from judge.errors import UsageError
from judge.names import nearest

OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}
FIGURES = {
    "reuse": "reuse_rate", "errors": "failed", "requests": "requests", "connections_per_1000": "connections_per_1000",
    "throughput": "throughput", "wrong": "wrong_caller", "first_use_p50_us": "first_use_p50_us",
    "first_use_p99_us": "first_use_p99_us", "reuse_p50_us": "reuse_p50_us", "reuse_p99_us": "reuse_p99_us",
    "reuse_rate": "reuse_rate", "failed": "failed",
}
TERM = re.compile(r"(?:(?P<glob>[^:<>=!]+):)?(?P<figure>\w+)\s*(?P<op><=|>=|==|!=|<|>)\s*(?P<number>[-+0-9.eE]+)")


@dataclass(frozen=True)
class Term:
    text: str
    glob: str | None
    figure: str
    op: str
    number: float

    def applies(self, load: dict[str, Any]) -> bool:
        return fnmatchcase(load["scenario"], self.glob) if self.glob else "healthy" in load["tags"]

    def broken_by(self, value: float | None) -> bool:
        return value is None or OPERATORS[self.op](value, self.number)


def parse(text: str) -> list[Term]:
    return [parse_term(term.strip()) for term in text.split(",") if term.strip()]


def parse_term(text: str) -> Term:
    match = TERM.fullmatch(text)
    if not match:
        raise UsageError(f'--fail-on "{text}": not FIGURE OP NUMBER, for example reuse<0.95')
    if match["figure"] not in FIGURES:
        raise UsageError(f'--fail-on "{text}": unknown figure "{match["figure"]}"{nearest(match["figure"], FIGURES)}')
    try:
        number = float(match["number"])
    except ValueError:
        raise UsageError(f'--fail-on "{text}": "{match["number"]}" is no number') from None
    return Term(text, match["glob"], FIGURES[match["figure"]], match["op"], number)


def judge_gates(terms: list[Term], loads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each term and load run that it applies to; a term that applies to none is broken, too: it would be green
    for ever."""
    rows = []
    for term in terms:
        found = [load for load in loads if term.applies(load)]
        for load in found:
            value = load["figures"].get(term.figure)
            rows.append({"rule": term.text, "scenario": load["scenario"], "value": value, "broken": term.broken_by(value)})
        if not found:
            rows.append({"rule": term.text, "scenario": None, "value": None, "broken": True})
    return rows
