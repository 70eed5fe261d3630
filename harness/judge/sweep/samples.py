"""What `build/.../gap` prints: a line for each pair of requests. Pure."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass

from judge.sweep.plan import MS

SAME, NEW, FAILED = "same", "new", "failed"
OUTCOMES = {
    SAME: "answered over the same connection",
    NEW: "answered over a new one: the pool had noticed, or closed the old one itself",
    FAILED: "failed",
}


@dataclass(frozen=True)
class Sample:
    """The second request of a pair."""

    planned_ms: float
    gap_ms: float  # that came about: from the end of the first response
    span_ms: float  # from the first request's sending: the server cannot have been idle for longer
    outcome: str
    how: str = ""  # of a failure: "receive EOF"


def parse(lines: Iterable[str]) -> tuple[list[Sample], int]:
    """The samples, and how many pairs have none because their first request failed or its connection was not kept."""
    found, lost = [], 0
    for row in csv.DictReader(lines):
        if row["kept"] != "1":
            lost += 1
            continue
        outcome = FAILED if row["error"] else SAME if row["reused"] != "0" else NEW
        how = f"{row['phase']} {row['error']}" if row["error"] else ""
        planned, gap, span = (int(row[key]) / MS for key in ("planned_ns", "gap_ns", "span_ns"))
        found.append(Sample(planned, gap, span, outcome, how))
    return found, lost


def punctual(samples: Iterable[Sample], late_ms: float) -> list[Sample]:
    """Those whose idle time is known to within `late_ms`: where the machine held the client up, be it before its second request
    or before it read the first response, the gap is not the one that was asked for, and the pool had no chance to look either."""
    return [one for one in samples if one.gap_ms - one.planned_ms <= late_ms and one.span_ms - one.gap_ms <= late_ms]
