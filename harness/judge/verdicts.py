"""Verdicts and exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from judge.trace import Finding

# From the least to the most troubling; a run's verdict is its most troubling one.
VERDICTS = ("skipped", "pass", "observed", "advisory", "blocked", "inconclusive", "error", "fail")
AS_EXPECTED = frozenset({"pass", "observed", "advisory", "skipped"})
UNKNOWN = frozenset({"error", "blocked", "inconclusive"})

OK, FAILED, USAGE, UNCLEAR, INTERRUPTED = 0, 1, 2, 3, 130
_WEIGHT = {OK: 0, FAILED: 1, UNCLEAR: 2, USAGE: 3, INTERRUPTED: 4}


def verdict_of(finding: Finding, level: str, lag_ms: float, strict: bool = False) -> str:
    if level == "observe":
        return "observed"
    if finding.ok:
        return "pass"
    if finding.margin_ms is not None and lag_ms >= finding.margin_ms / 2:
        return "inconclusive"
    return "advisory" if level == "optimal" and not strict else "fail"


def worst(verdicts: Iterable[str]) -> str:
    return max(verdicts, key=VERDICTS.index, default="skipped")


def heavier(*codes: int) -> int:
    """Usage beats not knowing beats failure."""
    return max(codes, key=_WEIGHT.__getitem__)


def exit_code(results: list[dict[str, Any]], problems: bool) -> int:
    """problems: gates that broke, known failures that passed. Covered failures (`known`) are as expected."""
    codes = [OK]
    if problems or any(r["verdict"] == "fail" and not r.get("known") for r in results):
        codes.append(FAILED)
    judged = any(r["level"] == "required" and r["verdict"] in ("pass", "fail") for r in results)
    if not judged or any(r["verdict"] in UNKNOWN for r in results):
        codes.append(UNCLEAR)
    return heavier(*codes)


def block(results: list[dict[str, Any]], controls: dict[str, tuple[str, ...]]) -> None:
    """Where a scenario's control did not hold, what the scenario seems to show is worth nothing, but for failures: those
    were seen. controls: scenario → those it depends on."""
    by_run: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for one in results:
        by_run.setdefault((one["scenario"], one["subject"], one["repeat"]), []).append(one)
    for (scenario, subject, repeat), own in by_run.items():
        for control in controls.get(scenario, ()):
            run = by_run.get((control, subject, repeat))
            found = worst([r["verdict"] for r in run if not r.get("known")] or ["pass"]) if run else "no run"
            if found in ("pass", "observed", "advisory"):
                continue
            for one in own:
                if one["verdict"] in ("pass", "observed", "advisory"):
                    one["verdict"] = "skipped" if found == "skipped" else "blocked"
                    one["seen"] = f"its control {control} came to {found}; by itself: {one['seen']}"
