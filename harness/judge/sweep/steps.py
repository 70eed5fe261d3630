"""Samples counted by gap, and the race window that follows from them. Pure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from judge.sweep.samples import FAILED, NEW, SAME, Sample
from judge.trace.proportion import Z, wilson


@dataclass(frozen=True)
class Step:
    """One gap."""

    gap_ms: float
    same: int
    new: int
    failed: int
    how: dict[str, int]  # of the failures

    @property
    def count(self) -> int:
        return self.same + self.new + self.failed

    @property
    def rate(self) -> float:
        return self.failed / self.count if self.count else 0.0

    def as_dict(self) -> dict[str, Any]:
        low, high = wilson(self.failed, self.count)
        return {"gap_ms": self.gap_ms, "same": self.same, "new": self.new, "failed": self.failed, "how": self.how,
                "rate": self.rate, "low": low, "high": high}


def count(samples: Iterable[Sample], gaps_ms: Sequence[float]) -> list[Step]:
    """Each sample by the planned gap that is nearest to its own; what lies further off than the last step is left out."""
    gaps = sorted(set(gaps_ms))
    by_gap: dict[float, list[Sample]] = defaultdict(list)
    reach = (gaps[-1] - gaps[-2]) / 2 if len(gaps) > 1 else math.inf
    for one in samples:
        nearest = min(gaps, key=lambda gap: abs(gap - one.gap_ms))
        if one.gap_ms <= gaps[-1] + reach:
            by_gap[nearest].append(one)
    return [_step(gap, by_gap[gap]) for gap in gaps if by_gap[gap]]


def _step(gap_ms: float, samples: list[Sample]) -> Step:
    outcomes = Counter(one.outcome for one in samples)
    how = Counter(one.how for one in samples if one.outcome == FAILED)
    return Step(gap_ms, outcomes[SAME], outcomes[NEW], outcomes[FAILED], dict(sorted(how.items())))


@dataclass(frozen=True)
class Window:
    """The race window: how long, around the server's timeout, a request is lost. Requests whose gaps are spread evenly with d
    per millisecond fail d x width_ms times. With its 95 % interval, and the gaps between which anything failed at all."""

    width_ms: float
    low_ms: float
    high_ms: float
    first_ms: float | None
    last_ms: float | None

    def as_dict(self) -> dict[str, Any]:
        return {"width_ms": self.width_ms, "low_ms": self.low_ms, "high_ms": self.high_ms, "first_ms": self.first_ms,
                "last_ms": self.last_ms}


def window_of(steps: Sequence[Step]) -> Window:
    """The area under the failure rate: each step stands for the gaps that are nearer to it than to another."""
    if len(steps) < 2:
        raise ValueError("a window needs steps on both sides of it")
    edges = [steps[0].gap_ms, *((a.gap_ms + b.gap_ms) / 2 for a, b in pairwise(steps)), steps[-1].gap_ms]
    widths = [right - left for left, right in pairwise(edges)]
    area = sum(one.rate * width for one, width in zip(steps, widths, strict=True))
    # Agresti and Coull's two more of each keep a step where none, or all, failed from claiming to know it exactly
    shares = [((one.failed + 2) / (one.count + 4), one.count + 4) for one in steps if one.failed]
    wide = [width for one, width in zip(steps, widths, strict=True) if one.failed]
    variance = sum(width**2 * p * (1 - p) / n for (p, n), width in zip(shares, wide, strict=True))
    reach = Z * math.sqrt(variance)
    failing = [one.gap_ms for one in steps if one.failed]
    return Window(area, max(0.0, area - reach), area + reach, min(failing, default=None), max(failing, default=None))
