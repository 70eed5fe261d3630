"""`./run.sh advise`: the arithmetic, and a sweep on this machine that gives it the race window."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from dataclasses import replace
from typing import Any

from judge.advise.arithmetic import Settings, advised, failure_share, requests_per_connection, reuse_rate, unwatched_share
from judge.advise.gaps import Exponential, Gaps
from judge.advise.words import MILLION, sentences
from judge.durations import plain
from judge.errors import HarnessError, UsageError
from judge.measurement import keep, now
from judge.project import Project
from judge.results import check_out

ASSUMED_MS = 1.0  # the race window without a sweep: about a round trip within a data centre
FAR_MS = 150.0  # the distance of two timeouts that is kept in a sweep of shortened ones
PAIRS, RATE = 60, 600.0
STEPS = 80  # of the drawn curve
UNKNOWN_GAPS = "without --gap: random ones, on average as long as the server's timeout, which brings the most requests to it"


def run(args: Namespace) -> int:
    check_out(args.out)
    project, started = Project.here(args.variant), now()
    settings = Settings(
        args.server_idle, args.pool_idle or math.inf, args.window or ASSUMED_MS, args.server_requests or math.inf,
        args.server_age or math.inf, args.closes_over or 0.0,
    )
    if settings.window_ms >= settings.server_idle_ms:
        raise UsageError(f"--window {plain(settings.window_ms)} is not shorter than the server's {plain(settings.server_idle_ms)}")
    gaps = args.gap or Exponential(settings.server_idle_ms)
    swept = None if args.no_sweep else sweep(project, settings, args.seed)
    settings, source = windowed(settings, swept, args.window is not None)
    found = {**figures(settings, gaps), "started": started, "notes": notes(source, args.gap is None), "window_from": source,
             "tried": tried(swept), "sweep": swept}
    page = keep(project, found, args.out, "advise") if swept or args.out else None
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        from reports import advise as report

        print(report.text(found) + (f"\n\n{page}" if page else ""))
    return 0


def sweep(project: Project, settings: Settings, seed: int) -> dict[str, Any]:
    """The two timeouts, shortened: what counts is how far they are apart, and that is kept where it is small."""
    from judge.sweep.measure import Pool, Wish, measure
    from judge.sweep.origins import KINDS

    short = KINDS["mock"].timeout_ms
    better = advised(settings)

    def shortened(pool_idle_ms: float) -> float:
        return 0 if math.isinf(pool_idle_ms) else short + max(-FAR_MS, min(FAR_MS, pool_idle_ms - settings.server_idle_ms))

    pools = [Pool("not watched, no timeout of its own", watch=False), Pool("watched, no timeout of its own"),
             Pool("watched, as you have it", shortened(settings.pool_idle_ms))]
    if better != settings:
        pools.append(Pool("watched, as advised", shortened(better.pool_idle_ms)))
    return measure(project, Wish("mock", short, PAIRS, RATE, seed, pools))


def windowed(settings: Settings, swept: dict[str, Any] | None, given: bool) -> tuple[Settings, str]:
    """With the race window that was given, or measured (the upper end of its interval), or assumed."""
    if given:
        return settings, "given"
    if swept is None:
        return settings, "assumed"
    window = next(pool["window"] for pool in swept["pools"] if pool["watch"] and not pool["idle_timeout_ms"])
    if window is None:
        raise HarnessError("this machine is too busy for a sweep: nearly every request came late; give --window, or --no-sweep")
    return replace(settings, window_ms=max(window["high_ms"], 0.01)), "measured"


def figures(settings: Settings, gaps: Gaps) -> dict[str, Any]:
    """advise.json, "advise/1" in reports/SCHEMA.md."""
    better = advised(settings)

    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    def of(one: Settings) -> dict[str, Any]:
        return {
            "pool_idle_ms": finite(one.pool_idle_ms), "first": one.first,
            "failures_per_million": MILLION * failure_share(one, gaps),
            "failures_per_million_unwatched": MILLION * unwatched_share(one, gaps),
            "reuse_rate": reuse_rate(one, gaps), "requests_per_connection": finite(requests_per_connection(one, gaps)),
        }

    return {
        "schema": "advise/1", "server_idle_ms": settings.server_idle_ms, "closes_over_ms": settings.closes_over_ms,
        "server_requests": finite(settings.server_requests), "server_age_ms": finite(settings.server_age_ms), "gap": str(gaps),
        "window_ms": settings.window_ms, "now": of(settings), "advised": of(better), "said": list(sentences(settings, gaps)),
        "curve": [of(replace(settings, pool_idle_ms=ms)) for ms in drawn_over(settings)],
    }


def drawn_over(settings: Settings) -> list[float]:
    """Idle timeouts of a pool: from nearly nothing to well behind both that there are, and closely around the server's."""
    pool_ms = settings.pool_idle_ms if math.isfinite(settings.pool_idle_ms) else 0
    last = 1.4 * max(settings.server_idle_ms + settings.closes_over_ms, pool_ms)
    edges = [settings.server_idle_ms + sign * settings.window_ms for sign in (-1, -0.5, 0, 0.5, 1)]
    return sorted({*(last * number / STEPS for number in range(1, STEPS + 1)), *(edge for edge in edges if 0 < edge < last)})


def notes(window_from: str, gaps_unknown: bool) -> list[str]:
    """Where the figures come from that were not given."""
    more = {"measured": ", on this machine's loopback: add your network's round trip",
            "assumed": ": give yours with --window, or leave --no-sweep out"}
    return [f"race window: {window_from}{more.get(window_from, '')}"] + ([f"gaps: {UNKNOWN_GAPS}"] if gaps_unknown else [])


def tried(swept: dict[str, Any] | None) -> str | None:
    if swept is None:
        return None
    short = plain(swept["timeout_ms"])
    return f"Tried on this machine, with timeouts of {short} and their distance kept (at most {plain(FAR_MS)})."
