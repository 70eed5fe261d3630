"""Which idle times are tried. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

MS = 1_000_000  # ns


@dataclass(frozen=True)
class Plan:
    """`pairs` at each gap, `rate` of them begin in a second, in an order that spreads every gap over the whole run: what the
    machine does meanwhile then befalls all gaps alike."""

    gaps_ms: tuple[float, ...]
    pairs: int
    rate: float
    seed: int = 1

    @property
    def count(self) -> int:
        return len(self.gaps_ms) * self.pairs

    @property
    def seconds(self) -> float:
        """How long it takes, about."""
        return self.count / self.rate + max(self.gaps_ms) / 1000

    def nanoseconds(self) -> list[int]:
        """Every pair's gap, in the order in which they begin."""
        found: list[int] = []
        rng = random.Random(self.seed)
        for _ in range(self.pairs):
            found += rng.sample([round(gap * MS) for gap in self.gaps_ms], len(self.gaps_ms))
        return found


def around(timeout_ms: float, closes_over_ms: float, before_ms: float, behind_ms: float, step_ms: float) -> tuple[float, ...]:
    """Even steps from before a server's timeout to behind the time over which it closes; none below a millisecond."""
    count = round((before_ms + closes_over_ms + behind_ms) / step_ms)
    gaps = (timeout_ms - before_ms + step_ms * number for number in range(count + 1))
    return tuple(round(gap, 6) for gap in gaps if gap >= 1)
