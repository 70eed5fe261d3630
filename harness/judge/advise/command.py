"""`./run.sh advise`: the arithmetic, and a sweep on this machine that gives it the race window."""

from __future__ import annotations

import json
import math
import textwrap
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from judge.advise.arithmetic import Settings, advised, failure_share, requests_per_connection, reuse_rate, unwatched_share
from judge.advise.gaps import Exponential, Gaps
from judge.advise.words import MILLION, sentences
from judge.durations import plain
from judge.errors import HarnessError, UsageError
from judge.project import Project

ASSUMED_MS = 1.0  # the race window without a sweep: about a round trip within a data centre
FAR_MS = 150.0  # the distance of two timeouts that is kept in a sweep of shortened ones
PAIRS, RATE = 60, 600.0
UNKNOWN_GAPS = "without --gap: random ones, on average as long as the server's timeout, which brings the most requests to it"


def run(args: Namespace, progress: Callable[[str], None], keep: Callable[..., Any]) -> int:
    project = Project.here(args.variant)
    settings = Settings(
        args.server_idle, args.pool_idle or math.inf, args.window or ASSUMED_MS, args.server_requests or math.inf,
        args.server_age or math.inf, args.closes_over or 0.0,
    )
    if settings.window_ms >= settings.server_idle_ms:
        raise UsageError(f"--window {plain(settings.window_ms)} is not shorter than the server's {plain(settings.server_idle_ms)}")
    gaps = args.gap or Exponential(settings.server_idle_ms)
    swept = None if args.no_sweep else sweep(project, settings, args.seed, progress)
    settings, source = windowed(settings, swept, args.window is not None)
    found = {**figures(settings, gaps), "window_from": source, "sweep": swept}
    folder = keep(project, found, args.out) if swept or args.out else None
    if args.json:
        print(json.dumps(found, indent=1))
    else:
        print(text(found, args.gap is None))
        if folder:
            print(f"\n{folder}/" + ("sweep__mock.svg" if swept else "advise.json"))
    return 0


def sweep(project: Project, settings: Settings, seed: int, progress: Callable[[str], None]) -> dict[str, Any]:
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
    return measure(project, Wish("mock", short, PAIRS, RATE, seed, pools), progress)


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
    }


def text(found: dict[str, Any], gaps_unknown: bool) -> str:
    paragraphs = [textwrap.fill(one, 110) for one in found["said"]]
    notes = [f"race window: {found['window_from']}" + (
        ", on this machine's loopback: add your network's round trip" if found["window_from"] == "measured" else
        ": give yours with --window, or leave --no-sweep out" if found["window_from"] == "assumed" else "")]
    notes += [f"gaps: {UNKNOWN_GAPS}"] if gaps_unknown else []
    parts = ["\n\n".join(paragraphs), "\n".join(f"({note})" for note in notes)]
    if found["sweep"]:
        from reports import sweep

        short = plain(found["sweep"]["timeout_ms"])
        parts.append(f"Tried on this machine, with timeouts of {short} and their distance kept (at most {plain(FAR_MS)}):")
        parts.append(sweep.text(found["sweep"]))
    return "\n\n".join(parts)
