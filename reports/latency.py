"""Latency on an axis of nines: equal steps from 90 % to 99 % to 99.9 % …, so that the tail gets the room it deserves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import files, palette, units
from .gnuplot import Plot, block, quote, tics

# file, label, gnuplot line: `all` is drawn first, wide and pale, since reuse usually runs on top of it
RUN_CURVES = (
    ("all.hgrm", "all requests", f"lc rgb '{palette.PALE}' lw 7 dt 1"),
    ("first_use.hgrm", "first use", f"lc rgb '{palette.ORANGE}' lw 2.2 dt (8,4)"),
    ("reuse.hgrm", "reuse", f"lc rgb '{palette.BLUE}' lw 2.2 dt 1"),
)
PEER_STYLES = (f"lc rgb '{palette.BLUE}' lw 2.2 dt 1", f"lc rgb '{palette.ORANGE}' lw 2.2 dt (8,4)",
               f"lc rgb '{palette.GREEN}' lw 2.2 dt (3,3)", f"lc rgb '{palette.PURPLE}' lw 2.2 dt (12,3,3,3)")


@dataclass(frozen=True)
class Curve:
    label: str
    style: str
    histogram: files.Histogram


def curves_of_run(folder: Path) -> list[Curve]:
    """What a load run recorded: all requests, first use, reuse."""
    return [Curve(label, style, files.histogram(folder / name)) for name, label, style in RUN_CURVES]


def nines(histogram: files.Histogram) -> list[tuple[float, float]]:
    """(1/(1-percentile), µs) ascending. The maximum, at 100 %, stands where it is the one value of so many: at the count."""
    known = ((1 / (1 - share), value) for share, value in histogram.points if share < 1)
    points = [(x, value) for x, value in known if x * 1.000001 < histogram.count]
    if histogram.points:
        points.append((float(max(histogram.count, 1)), histogram.points[-1][1]))
    return points


def _x_tics(most: float) -> str:
    marks = [("0 %", 1), ("50 %", 2), ("90 %", 10), ("99 %", 100)]
    marks += [(f"{100 - 100 / 10**power:.{power - 2}f} %", 10**power) for power in range(3, 10)]
    return tics((label, at) for label, at in marks if at <= most)


def _y_range(values: list[float]) -> tuple[float, float]:
    """Around the values, and at least a factor of four, so that a quiet run does not look like a cliff."""
    low, high = max(min(values), 0.5) / 1.25, max(max(values), 0.5) * 1.25
    if high / low < 4:
        middle = math.sqrt(low * high)
        low, high = middle / 2, middle * 2
    return low, high


def _y_tics(low: float, high: float) -> str:
    """1, 2, 5 within a decade; more where there is less than one, only whole decades where there are many."""
    steps: tuple[float, ...] = (1,) if high / low > 1000 else (1, 2, 5) if high / low > 10 else (1, 1.5, 2, 3, 4, 5, 7)
    ats = [step * 10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for step in steps]
    return tics((units.round_us(at), at) for at in ats if low <= at <= high)


def plot(name: str, title: str, curves: Sequence[Curve], subtitle: str = "") -> Plot | None:
    """All curves in one chart; None when there is not one value to show. A curve without values says so in the legend."""
    drawn = [(curve, nines(curve.histogram)) for curve in curves]
    values = [value for _, points in drawn for _, value in points]
    if not values:
        return None
    most = max(x for _, points in drawn for x, _ in points)
    right = max(10 ** math.ceil(math.log10(most) - 1e-9), 10)
    low, high = _y_range(values)
    data, commands = [], []
    for number, (curve, points) in enumerate(drawn):
        if points:
            data.append(block(f"curve{number}", points))
            # one or two values make no line: they are shown as points
            form = "lines" if len({x for x, _ in points}) > 2 else "linespoints pt 7 ps 0.8"
            legend = f"{curve.label} ({units.count(curve.histogram.count)})"
            commands.append(f"$curve{number} using 1:2 with {form} {curve.style} title {quote(legend)}")
        else:
            commands.append(f"NaN with lines {curve.style} title {quote(curve.label + ' (none)')}")
    script = "".join(data) + f"""
set logscale xy
set grid xtics ytics
set key at screen 0.5, screen 0.015 center bottom horizontal
set xrange [1:{right}]
set yrange [{low:.6g}:{high:.6g}]
set xtics {_x_tics(right)}
set ytics {_y_tics(low, high)}
set mxtics default
unset mytics
plot {', '.join(commands)}
"""
    second_row = 20 if len(commands) > 3 else 0  # of the key
    return Plot(name, title, subtitle, "share of requests that were at least this fast", script, height=480 + second_row,
                margins=(84, 48, 66, 84 + second_row))
