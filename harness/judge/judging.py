"""Judges one kept trace: its scenario's checks and those of every trace, each to a verdict."""

from __future__ import annotations

import traceback
from typing import Any

from judge import checkers
from judge.project import Project
from judge.scenario import Check, Scenario
from judge.trace import Finding, Trace
from judge.verdicts import verdict_of

EXCERPT_EVENTS = 14


def judge_trace(project: Project, scenario: Scenario, trace: Trace, strict: bool = False) -> list[dict[str, Any]]:
    """One result for each clause; without the fields that say where the trace lies."""
    skipped = next(trace.judge("skipped"), None)
    if skipped:
        return [result(project, check, "skipped", None, seen=skipped["why"]) for check in scenario.checks]
    broken = next(trace.judge("harness_failed"), None)
    if broken:
        return [result(project, check, "error", None, seen=broken["why"]) for check in scenario.checks]
    crashed = next(trace.judge("subject_failed"), None)
    if crashed:
        # Whatever else the trace shows: a subject that crashed has met nothing.
        answered = Check("scenario/steps-answered", "steps_answered", {})
        failed = (*scenario.checks, answered)
        return [result(project, check, "fail", None, seen=crashed["why"], trace=trace, t=crashed.t) for check in failed]
    return [judge_check(project, check, trace, strict) for check in (*scenario.checks, *universal_checks(scenario, trace))]


def universal_checks(scenario: Scenario, trace: Trace) -> list[Check]:
    return [
        Check(clause, checker, about_steps(scenario, trace) if checker == "steps_answered" else {})
        for clause, checker in checkers.universal().items()
    ]


def about_steps(scenario: Scenario, trace: Trace) -> dict[str, Any]:
    """Which steps and connections the scenario's own checks are about."""
    judged, watched = [], []
    for check in scenario.checks:
        labels = checkers.labels(check.checker, check.params)
        if getattr(checkers.module(check.checker), "JUDGES_REPLIES", False):
            judged += labels
        conns = check.params.get("conns", [])
        watched += [trace.conn_of(conn) for conn in [*conns, check.params.get("conn")] if conn is not None]
    return {"judged": judged, "watched": [conn for conn in watched if conn is not None]}


def judge_check(project: Project, check: Check, trace: Trace, strict: bool) -> dict[str, Any]:
    try:
        finding = checkers.module(check.checker).check(trace, **check.params)
    except Exception:  # a checker that raises says nothing about the subject
        why = f'checker "{check.checker}" raised: {traceback.format_exc(limit=-2)}'
        return result(project, check, "error", None, seen=why, trace=trace)
    level = project.clauses[check.clause].level
    return result(project, check, verdict_of(finding, level, trace.lag_ms, strict), finding, trace=trace)


def result(
    project: Project, check: Check, verdict: str, finding: Finding | None, seen: str = "",
    trace: Trace | None = None, t: int | None = None,
) -> dict[str, Any]:
    clause = project.clauses[check.clause]
    convicted = verdict not in ("pass", "observed", "skipped")
    found = finding or Finding(False, clause.text, seen, t)
    about_moment = convicted and found.t is not None and trace is not None
    return {
        "clause": clause.id, "level": clause.level, "text": clause.text, "source": clause.source, "checker": check.checker,
        "verdict": verdict, "expected": found.expected, "seen": found.seen,
        **({"value": found.value} if found.value is not None else {}),
        **({"lag_ms": trace.lag_ms} if verdict == "inconclusive" else {}),
        "excerpt": excerpt(trace, found.t, found.conn) if about_moment else [],
        "violation_t": found.t if convicted else None,
        "violation_conn": found.conn if convicted else None,
    }


def excerpt(trace: Trace, t: int, conn: int | None) -> list[dict[str, Any]]:
    """What happened around a moment, on one connection where it is about one. In the order of time."""
    near = [
        e for e in trace.events
        if e.ev not in ("conn_books", "books", "load_result", "sweep_result", "lag", "begin") and (conn is None or e.conn in (conn, None))
    ]
    near.sort(key=lambda e: abs(e.t - t))
    return sorted(near[:EXCERPT_EVENTS], key=lambda e: e.t)
