"""What a load's run.json tells beside the headline, as short lines of text: errors, ends of connections, spread of reuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import files, units


def _errors(run: dict[str, Any]) -> str:
    parts = []
    for error in run.get("errors") or []:
        use = "first use" if error.get("first_use") else "reuse"
        parts.append(f"{units.count(error.get('count'))} × {error.get('error')} in phase {error.get('phase')} ({use})")
    return "; ".join(parts) or "none"


def _spread(histogram: dict[str, int]) -> str:
    """{"1": 3, "100": 7} -> requests on a connection: least, median, most"""
    pairs = sorted((int(requests), connections) for requests, connections in histogram.items() if connections)
    total = sum(connections for _, connections in pairs)
    if not total:
        return units.NONE
    passed, middle = 0, pairs[-1][0]
    for requests, connections in pairs:
        passed += connections
        if passed * 2 >= total:
            middle = requests
            break
    return f"{units.count(pairs[0][0])} least, {units.count(middle)} median, {units.count(pairs[-1][0])} most"


def _latency(figures: dict[str, Any]) -> str:
    return f"{units.duration_us(figures.get('p50'))} p50, {units.duration_us(figures.get('p99'))} p99"


def of_run(folder: Path) -> list[tuple[str, str]]:
    """(name, value) lines of the run in `folder`. Raises BadFile."""
    run = files.document(folder / "run.json", "load/1")
    facts = [("errors", _errors(run)), ("requests on a connection", _spread(run.get("requests_per_connection") or {}))]
    if run.get("closed"):
        most_first = sorted(run["closed"].items(), key=lambda item: -item[1])
        closed = ", ".join(f"{reason} {units.count(count)}" for reason, count in most_first if count)
        facts.append(("closed by the pool", closed or "none"))
    measured = run.get("latency_us") or {}
    facts += [(f"{kind} time", _latency(measured[kind])) for kind in ("connect", "response") if measured.get(kind)]
    if run.get("wrong_caller"):
        facts.append(("responses to the wrong caller", units.count(run["wrong_caller"])))
    if run.get("cpu_us_per_request") is not None:
        facts.append(("client CPU per request", units.duration_us(run["cpu_us_per_request"])))
    if run.get("interrupted"):
        facts.append(("interrupted", "yes: the figures are of what was done until then"))
    if run.get("lost_workers"):
        facts.append(("workers lost", ", ".join(map(str, run["lost_workers"]))))
    return facts
