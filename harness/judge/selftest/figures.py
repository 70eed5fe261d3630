"""The five lines at the end of `./run.sh test`: what it has just proven, in figures. Each comes from the tests that ran, as properties of
their reports (pytest's record_property; the names are below); what did not run was not measured."""

from __future__ import annotations

from typing import Any

from judge.clause_verdicts import in_words

COVERAGE = "coverage"  # "100.0 % of N branches"
STEPS = "steps_per_second"  # of the simulator
MUTANTS = "mutants"  # how many there are
HUNT = "hunt"  # [mutant, whether it was killed]
CLAUSES = "clauses"  # [how many there are, how many a scenario or a test shows]
JUDGED = "judged"  # the clauses that a run has judged
AGREEMENT = "agreement"  # {"agree" | "differ" | "unknown" | "skipped": clauses}
NOT_MEASURED = "not measured"


def lines(properties: list[tuple[str, Any]]) -> list[str]:
    found: dict[str, list[Any]] = {}
    for name, value in properties:
        found.setdefault(name, []).append(value)
    told = {
        "branch coverage of the pure core": found.get(COVERAGE, [NOT_MEASURED])[-1],
        "simulator": simulator(found),
        "mutants killed": mutants(found),
        "clauses": clauses(found),
        "agreement with ngx_lua": agreement(found),
    }
    width = max(map(len, told)) + 1
    return [f"{name + ':':<{width}} {text}" for name, text in told.items()]


def simulator(found: dict[str, list[Any]]) -> str:
    return f"{found[STEPS][-1]:,} steps per second" if STEPS in found else NOT_MEASURED


def mutants(found: dict[str, list[Any]]) -> str:
    if HUNT not in found:
        return NOT_MEASURED
    hunted = dict(found[HUNT])
    there_are = found[MUTANTS][-1]
    left = f" that were hunted, of {there_are}" if len(hunted) < there_are else ""
    return f"{sum(hunted.values())} of {len(hunted)}{left}"


def clauses(found: dict[str, list[Any]]) -> str:
    there_are, shown = found.get(CLAUSES, [(None, None)])[-1]
    judged = len({clause for one in found.get(JUDGED, ()) for clause in one}) if JUDGED in found else NOT_MEASURED
    covered = f"{shown} of {there_are}" if there_are else NOT_MEASURED
    return f"covered by scenarios or tests: {covered}; judged by this run: {judged}"


def agreement(found: dict[str, list[Any]]) -> str:
    return in_words(found[AGREEMENT][-1]) if AGREEMENT in found else NOT_MEASURED
