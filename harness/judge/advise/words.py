"""What the arithmetic says, for whoever has "connection reset by peer" between two products. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from judge.advise.arithmetic import Settings, advised, failure_share, requests_per_connection, reuse_rate, unwatched_share
from judge.advise.gaps import Gaps
from judge.durations import plain

MILLION = 1_000_000


def sentences(settings: Settings, gaps: Gaps) -> Iterator[str]:
    """A paragraph each."""
    yield who_closes(settings)
    yield what_fails(settings, gaps)
    yield from what_to_set(settings, gaps)
    yield from limits(settings)
    yield reuse(settings, gaps)


def who_closes(settings: Settings) -> str:
    server, pool = plain(settings.server_idle_ms), shown(settings.pool_idle_ms)
    by = plain(settings.server_idle_ms - settings.pool_idle_ms)
    until = f", or up to {plain(settings.closes_over_ms)} later" if settings.closes_over_ms else ""
    if settings.first == "pool":
        if settings == advised(settings):
            return f"The pool closes first: after {pool} idle, {by} before the server does ({server}). That is as it should be."
        return (
            f"The pool closes first, but only just: after {pool} idle, {by} before the server ({server}). Two timers that are started "
            "apart, on machines that stall, can change places."
        )
    if settings.first == "either":
        return (
            f"Both close at about the same time: the pool after {pool} idle, the server after {server}{until}. Whoever is asked just "
            "then loses."
        )
    return (
        f"The server closes first: after {server} idle{until}, while the pool would keep the connection for {pool}. Every connection "
        "that idles so long ends by the server's hand, and a request that is on its way just then is lost: the client sees the end of "
        "the stream without an answer, a broken pipe, or \"connection reset by peer\"."
    )


def shown(ms: float) -> str:
    return "ever" if math.isinf(ms) else plain(ms)


def what_fails(settings: Settings, gaps: Gaps) -> str:
    found, blind = failure_share(settings, gaps), unwatched_share(settings, gaps)
    text = (
        f"Expected with gaps that are {gaps}, and a race window of {plain(settings.window_ms)}: {per_million(found)} of a million "
        "requests fail with a pool that watches its idle connections"
    )
    text += f", {per_million(blind)} with one that neither watches nor looks." if blind > found else "."
    if found > 0:
        text += " The window grows with the network's round trip, and the failures with the window (--window)."
    return text


def per_million(share: float) -> str:
    count = share * MILLION
    if count == 0:
        return "none"
    if count < 0.1:
        return "fewer than 0.1"
    return f"about {count:.2g}" if count < 100 else f"about {count:,.0f}"


def what_to_set(settings: Settings, gaps: Gaps) -> Iterator[str]:
    better = advised(settings)
    if better == settings:
        yield "Nothing to change in the timeouts."
        return
    server, pool = plain(settings.server_idle_ms), plain(better.pool_idle_ms)
    yield (
        f"Set the pool's idle timeout to {pool} or less: the server's {server} less a margin of "
        f"{plain(settings.server_idle_ms - better.pool_idle_ms)}. Then {per_million(failure_share(better, gaps))} of a million fail "
        "from this race."
    )
    if math.isfinite(settings.pool_idle_ms):
        enough = plain(settings.pool_idle_ms + settings.margin_ms)
        yield (
            f"Or, where only the server can be changed: give it an idle timeout of {enough} or more, and leave the pool at "
            f"{plain(settings.pool_idle_ms)}."
        )
    yield (
        "Or have the server say it: a pool that reads the hint closes in time where the server sends Keep-Alive: timeout=N with an N "
        "below its own timeout (nginx: the second argument of keepalive_timeout; Tomcat sends its own value, rounded down)."
    )


def limits(settings: Settings) -> Iterator[str]:
    if math.isfinite(settings.server_requests):
        most = int(settings.server_requests)
        own = f"can be told to retire a connection itself, after {most - 1:,} requests at most" if most > 1 else "must not pool at all"
        yield (
            f"The server's limit of {most:,} requests to a connection is announced in the last answer (Connection: close): no failure "
            f"where the pool honours that. One that does not {own}."
        )
    if math.isfinite(settings.server_age_ms):
        yield (
            f"The server's limit of {plain(settings.server_age_ms)} to a connection's age is announced, too, in the first answer after "
            "it. It counts from accept: a connection that was opened long before its first request is closed behind that one."
        )


def reuse(settings: Settings, gaps: Gaps) -> str:
    each = requests_per_connection(settings, gaps)
    if math.isinf(each):
        return "Expected reuse: every request but a connection's first; nothing here ever ends one."
    text = f"Expected reuse: {100 * reuse_rate(settings, gaps):.4g} % of the requests, {each:.3g} to a connection"
    better = advised(settings)
    if better == settings:
        return text + "."
    return text + f"; with the advised timeout {100 * reuse_rate(better, gaps):.4g} %."
