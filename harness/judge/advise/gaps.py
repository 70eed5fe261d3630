"""How long a connection idles between two requests. Pure; milliseconds."""

from __future__ import annotations

import argparse
import bisect
import math
from dataclasses import dataclass
from typing import Protocol

from judge.durations import duration_ms, plain

FORMS = "exp:MEAN, uniform:A-B, fixed:T, or a list such as 1s,5s,80s"
POINTS = 4000  # of a distribution, where a mean over it is taken


class Gaps(Protocol):
    def cdf(self, ms: float) -> float:
        """The share of gaps that are no longer than this."""

    def quantile(self, share: float) -> float:
        """The gap that this share (0 < share < 1) stays below."""

    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Exponential:
    """Requests that come at random, independent of each other."""

    mean_ms: float

    def cdf(self, ms: float) -> float:
        return -math.expm1(-ms / self.mean_ms) if ms > 0 else 0.0

    def quantile(self, share: float) -> float:
        return -self.mean_ms * math.log1p(-share)

    def __str__(self) -> str:
        return f"random, {plain(self.mean_ms)} on average"


@dataclass(frozen=True)
class Uniform:
    from_ms: float
    to_ms: float

    def cdf(self, ms: float) -> float:
        return min(max((ms - self.from_ms) / (self.to_ms - self.from_ms), 0.0), 1.0)

    def quantile(self, share: float) -> float:
        return self.from_ms + (self.to_ms - self.from_ms) * share

    def __str__(self) -> str:
        return f"evenly from {plain(self.from_ms)} to {plain(self.to_ms)}"


@dataclass(frozen=True)
class Listed:
    """As they were observed, each equally likely. Sorted."""

    values_ms: tuple[float, ...]

    def cdf(self, ms: float) -> float:
        return bisect.bisect_right(self.values_ms, ms) / len(self.values_ms)

    def quantile(self, share: float) -> float:
        return self.values_ms[min(int(share * len(self.values_ms)), len(self.values_ms) - 1)]

    def __str__(self) -> str:
        return f"always {plain(self.values_ms[0])}" if len(self.values_ms) == 1 else f"as listed ({len(self.values_ms)} of them)"


def below(gaps: Gaps, ms: float) -> tuple[float, float] | None:
    """Mean, and variance / mean squared, of the gaps that are shorter; None where none is."""
    points = [gaps.quantile((number + 0.5) / POINTS) for number in range(POINTS)]
    shorter = [point for point in points if point < ms]
    if not shorter:
        return None
    mean = math.fsum(shorter) / len(shorter)
    variance = math.fsum((point - mean) ** 2 for point in shorter) / len(shorter)
    return mean, variance / mean**2


def read(text: str) -> Gaps:
    """For argparse."""
    form, _, rest = text.partition(":")
    if not rest and form in ("exp", "fixed", "uniform", ""):
        raise argparse.ArgumentTypeError(f'"{text}" is no distribution: {FORMS}')
    if form == "exp":
        return Exponential(duration_ms(rest))
    if form == "fixed":
        return Listed((duration_ms(rest),))
    if form == "uniform":
        first, dash, last = rest.partition("-")
        if not dash or not (low := duration_ms(first)) < (high := duration_ms(last)):
            raise argparse.ArgumentTypeError(f'"{text}": uniform takes two durations, the shorter one first, such as uniform:1s-90s')
        return Uniform(low, high)
    if ":" in text:
        raise argparse.ArgumentTypeError(f'"{text}" is no distribution: {FORMS}')
    return Listed(tuple(sorted(map(duration_ms, text.split(",")))))
