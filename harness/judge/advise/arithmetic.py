"""Two timeouts and a race window: who closes first, how many requests fail, how many reuse a connection. Pure; milliseconds.

The server closes a connection that has been idle for c, which is its timeout T, or anything from T to T + closes_over. A request
is lost where it comes within half a race window of c: before that the server still answers it, after that the pool has seen
the FIN. (The window is the network's round trip and what both programs take to react.) A pool that closes its side first, at its
own timeout P, never sends such a request."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from judge.advise.gaps import Gaps, below

MOMENTS = 1000  # over which the server's close is spread, where it is
MARGIN_MS, MARGIN_SHARE = 1000.0, 0.2  # of the server's timeout: timers tick in seconds, machines stall, clocks are started apart


@dataclass(frozen=True)
class Settings:
    """math.inf where there is no limit. window_ms: the race window, more than 0."""

    server_idle_ms: float
    pool_idle_ms: float
    window_ms: float
    server_requests: float = math.inf
    server_age_ms: float = math.inf
    closes_over_ms: float = 0.0

    @property
    def closes_ms(self) -> list[float]:
        """Moments at which the server may close, equally likely."""
        if not self.closes_over_ms:
            return [self.server_idle_ms]
        return [self.server_idle_ms + self.closes_over_ms * (number + 0.5) / MOMENTS for number in range(MOMENTS)]

    @property
    def margin_ms(self) -> float:
        """How much sooner than the server a pool should close."""
        return max(min(MARGIN_MS, MARGIN_SHARE * self.server_idle_ms), 2 * self.window_ms)

    @property
    def first(self) -> str:
        """Who closes an idle connection first: "pool", "server", or "either" where it is within the race window, or before
        the last moment at which the server may close."""
        if self.pool_idle_ms < self.server_idle_ms - self.window_ms / 2:
            return "pool"
        return "either" if self.pool_idle_ms <= self.server_idle_ms + self.closes_over_ms + self.window_ms / 2 else "server"


def failure_share(settings: Settings, gaps: Gaps) -> float:
    """Of the requests that follow another one, those that are lost, with a pool that watches its idle connections."""
    half = settings.window_ms / 2
    return _mean([gaps.cdf(min(settings.pool_idle_ms, at + half)) - gaps.cdf(at - half)
                  for at in settings.closes_ms if at - half < settings.pool_idle_ms], len(settings.closes_ms))


def unwatched_share(settings: Settings, gaps: Gaps) -> float:
    """The same with a pool that neither watches its idle connections nor looks at one before its use."""
    half = settings.window_ms / 2
    return _mean([gaps.cdf(settings.pool_idle_ms) - gaps.cdf(at - half)
                  for at in settings.closes_ms if at - half < settings.pool_idle_ms], len(settings.closes_ms))


def _mean(values: list[float], count: int) -> float:
    return max(0.0, math.fsum(values) / count)


def requests_per_connection(settings: Settings, gaps: Gaps) -> float:
    """On average; math.inf where nothing ever ends one. A gap ends a connection that is longer than either timeout; a server's
    limits of requests and of age end it behind the request that reaches them, announced. (How often a connection is asked before
    it is too old: the mean of a renewal process, which is exact in the long run.)"""
    survives = _mean([gaps.cdf(min(settings.pool_idle_ms, at)) for at in settings.closes_ms], len(settings.closes_ms))
    most = min(settings.server_requests, _requests_until_too_old(settings, gaps))
    if survives >= 1:
        return most
    return (1 - (survives**most if math.isfinite(most) else 0.0)) / (1 - survives)


def _requests_until_too_old(settings: Settings, gaps: Gaps) -> float:
    shorter = below(gaps, min(settings.pool_idle_ms, settings.server_idle_ms + settings.closes_over_ms))
    if math.isinf(settings.server_age_ms) or shorter is None:
        return math.inf
    mean, spread = shorter
    return settings.server_age_ms / mean + 1 + (1 + spread) / 2


def reuse_rate(settings: Settings, gaps: Gaps) -> float:
    """Requests on an already used connection / requests."""
    return 1 - 1 / requests_per_connection(settings, gaps)


def advised(settings: Settings) -> Settings:
    """With the longest idle timeout of the pool that is safe; the settings themselves where theirs is."""
    longest = settings.server_idle_ms - settings.margin_ms
    if settings.pool_idle_ms <= longest:
        return settings
    return replace(settings, pool_idle_ms=rounded_down(longest) if longest > 0 else settings.server_idle_ms / 2)


def rounded_down(ms: float) -> float:
    """To what one would write: whole seconds from ten on, tenths below that, whole milliseconds below a second."""
    step = 1000.0 if ms >= 10_000 else 100.0 if ms >= 1000 else 1.0 if ms >= 2 else 0.001
    return math.floor(ms / step + 1e-9) * step
