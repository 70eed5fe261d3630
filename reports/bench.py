"""The load generator beside wrk: figures of interleaved pairs, their ratio, and both in one latency plot.

Absolute figures drift from minute to minute on a shared machine; what counts is the ratio within a pair, and its spread.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from . import files, latency, units
from .gnuplot import Plot, stem

TOOLS = ("load", "wrk")
NAMES = {"load": "load generator", "wrk": "wrk"}
FIGURES = {"cpu_us_per_request": "client CPU per request", "throughput": "requests per second"}


def _value(figure: str, value: float | None) -> str:
    if value is None or figure == "throughput":
        return units.count(value)
    return f"{value:.2f} µs"


def _both(bench: dict[str, Any], figure: str) -> list[tuple[float, float]]:
    """The figure of the load generator and of wrk, from every pair that has both."""
    pairs = [tuple((pair.get(tool) or {}).get(figure) for tool in TOOLS) for pair in bench.get("pairs") or []]
    return [(ours, theirs) for ours, theirs in pairs if ours is not None and theirs]


def ratio(bench: dict[str, Any], figure: str) -> tuple[float, float, float] | None:
    """(median, least, greatest) of load generator / wrk within each pair."""
    ratios = sorted(ours / theirs for ours, theirs in _both(bench, figure))
    return (median(ratios), ratios[0], ratios[-1]) if ratios else None


def table(bench: dict[str, Any]) -> list[list[str]]:
    """Head and lines: figure, load generator, wrk (medians), ratio [least .. greatest]."""
    lines = [["median of pairs", *NAMES.values(), "ratio", "[least .. greatest]"]]
    for figure, name in FIGURES.items():
        pairs, quotient = _both(bench, figure), ratio(bench, figure)
        if quotient:
            ours, theirs = (_value(figure, median(column)) for column in zip(*pairs, strict=True))
            lines.append([name, ours, theirs, f"{quotient[0]:.3f}", f"[{quotient[1]:.2f} .. {quotient[2]:.2f}]"])
    return lines


def misbehaving(bench: dict[str, Any]) -> list[list[str]]:
    """Head and lines: behaviour, client, requests, reuse rate, failed, connections per 1,000, by the server's books."""
    lines = [["behaviour", "client", "requests", "reuse rate", "failed requests", "connections per 1,000"]]
    for entry in bench.get("misbehaving") or []:
        for tool in TOOLS:
            figures = entry.get(tool) or {}
            lines.append([str(entry.get("behaviour")), NAMES[tool], units.count(figures.get("requests")),
                          units.percent(figures.get("reuse_rate")), units.count(figures.get("failed")),
                          units.per_thousand(figures.get("connections_per_1000"))])
    return lines


def verdict(bench: dict[str, Any]) -> str:
    """One sentence: how the CPU ratio stands to the bar."""
    quotient, bar = ratio(bench, "cpu_us_per_request"), bench.get("bar")
    if quotient is None:
        return "No pair was complete: nothing can be said."
    pairs = units.plural(len(_both(bench, "cpu_us_per_request")), "pair")
    said = f"{pairs}: the load generator spends {quotient[0]:.3f} times wrk's CPU per request"
    if bar is None:
        return f"{said}."
    return f"{said}; the bar, at most {bar:g}, is {'met' if quotient[0] <= bar else 'NOT met'}."


def text(bench: dict[str, Any]) -> str:
    """For the console."""
    parts = [units.columns(table(bench), 1), verdict(bench)]
    if bench.get("misbehaving"):
        parts.append(units.columns(misbehaving(bench), 2))
    return "\n\n".join(parts)


def plots(folder: Path, bench: dict[str, Any]) -> list[Plot]:
    """One latency plot for both: of the well-behaved server, and of each misbehaving one."""
    entries = [(str(bench.get("server") or "ok"), bench.get("latency"))]
    entries += [(str(entry.get("behaviour")), entry.get("latency")) for entry in bench.get("misbehaving") or []]
    drawn = []
    for behaviour, paths in entries:
        if not paths:
            continue
        curves = [latency.Curve(NAMES[tool], style, files.histogram(folder / paths[tool]))
                  for tool, style in zip(TOOLS, latency.PEER_STYLES, strict=False) if paths.get(tool)]
        drawn.append(latency.plot(stem("bench", behaviour), f"Load generator and wrk against {behaviour}", curves,
                                  "latency of all requests"))
    return [plot for plot in drawn if plot]
