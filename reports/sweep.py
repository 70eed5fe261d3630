"""Failure rate against the gap between two requests, around the server's idle timeout: the picture of the race, and its table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from . import palette, units
from .content import Page, Table
from .gnuplot import Plot, block, quote, stem

LOOKS = (palette.BLUE, palette.GREEN, palette.PURPLE)  # of the pools that watch their idle connections
SHAPES = (7, 5, 13)
HEIGHT, KEY_LINE, KEY_TOP = 560, 20, 0.55  # px, px, of the height
EDGE_MS = 1.0  # on either side of the server's timeout: where the two clocks may disagree


def _scale(sweep: dict[str, Any]) -> tuple[str, float]:
    """Unit and size of the axis, in ms from the timeout on."""
    return ("s", 1000.0) if sweep["closes_over_ms"] >= 500 else ("ms", 1.0)


def _rows(sweep: dict[str, Any], pool: dict[str, Any]) -> list[tuple[float, ...]]:
    size = _scale(sweep)[1]
    return [((step["gap_ms"] - sweep["timeout_ms"]) / size, 100 * step["rate"], 100 * step["low"], 100 * step["high"])
            for step in pool["steps"]]


def _curve(number: int, pool: dict[str, Any], colour: str, shape: int) -> list[str]:
    label = _failed(pool)
    return [f"$pool{number} using 1:2:3:4 with yerrorbars pt {shape} ps 0.01 lw 1.2 lc rgb '{palette.PALE}' notitle",
            f"$pool{number} using 1:2 with linespoints pt {shape} ps 0.5 lw 1.8 lc rgb '{colour}' title {quote(label)}"]


def _failed(pool: dict[str, Any]) -> str:
    failed, of = (sum(step[key] for step in pool["steps"] for key in keys) for keys in (("failed",), ("same", "new", "failed")))
    return f"{pool['name']}: {units.count(failed)} of {units.count(of)} failed"


def _marks(sweep: dict[str, Any]) -> str:
    """The server's timeout as a line, the stretch over which it closes as a band, and the pools' own timeouts."""
    size = _scale(sweep)[1]
    lines = [f"set arrow from 0, graph 0 to 0, graph 1 nohead lw 1.6 dt (6,4) lc rgb '{palette.RED}' front"]
    if sweep["closes_over_ms"]:
        lines.append(f"set object rectangle from 0, graph 0 to {sweep['closes_over_ms'] / size:g}, graph 1 "
                     f"fc rgb '{palette.RED}' fs transparent solid 0.07 noborder behind")
    for pool in sweep["pools"]:
        if pool["idle_timeout_ms"]:
            x = (pool["idle_timeout_ms"] - sweep["timeout_ms"]) / size
            lines.append(f"set arrow from {x:g}, graph 0 to {x:g}, graph 1 nohead lw 1.6 dt (2,3) lc rgb '{palette.GREEN}' front")
    return "\n".join(lines)


def plot(sweep: dict[str, Any]) -> Plot | None:
    """Above, the pool that nobody watches, where one was asked; below, on an axis of their own, the others."""
    watched = [(n, pool) for n, pool in enumerate(sweep["pools"]) if pool["watch"]]
    blind = [(n, pool) for n, pool in enumerate(sweep["pools"]) if not pool["watch"]]
    rows = {n: _rows(sweep, pool) for n, pool in [*watched, *blind]}
    if not watched or not all(rows.values()):
        return None
    unit = _scale(sweep)[0]
    xs = [row[0] for found in rows.values() for row in found]
    top = max(1.0, min(100.0, 1.15 * max(row[3] for n, _ in watched for row in rows[n])))
    below = [part for (n, pool), look, shape in zip(watched, LOOKS * len(watched), SHAPES * len(watched), strict=False)
             for part in _curve(n, pool, look, shape)]
    above = [part for n, pool in blind for part in _curve(n, pool, palette.ORANGE, 9)]
    top_below = KEY_TOP - (KEY_LINE * len(watched) + 4) / HEIGHT  # of the panel below: its key stands between the two
    panel = f"""set tmargin at screen 0.82
set bmargin at screen 0.57
set format x ''
set yrange [0:104]
set ytics 0,25,100 format '%g %%'
set key at graph 0, graph 1.13 left top horizontal
plot {', '.join(above)}
unset label 1001
unset label 1002
unset label 1003
set tmargin at screen {top_below:.4f}
set bmargin at screen 0.15
set format x '%g'
""" if blind else ""
    script = "".join(block(f"pool{n}", found) for n, found in rows.items()) + f"""
set xrange [{min(xs):g}:{max(xs):g}]
set grid xtics ytics
set bars 0.4
{_marks(sweep)}
set multiplot
{panel}set yrange [0:{top:.4g}]
set ytics autofreq format '%g %%'
set key at graph 0, {f"screen {KEY_TOP}" if blind else "graph 1.13"} left top vertical
plot {', '.join(below)}
unset multiplot
"""
    timeout = units.round_us(1000 * sweep["timeout_ms"])
    subtitle = (f"second requests that fail, with 95 % intervals; red: {sweep['option']} = {timeout}"
                + ("; shaded: while it closes" if sweep["closes_over_ms"] else "")
                + ("; green: the pool's own timeout" if any(pool["idle_timeout_ms"] for pool in sweep["pools"]) else ""))
    return Plot(stem("sweep", sweep["server"]), f"A connection is used again just before, at and after {sweep['title']} closes it",
                subtitle, f"idle time of the connection, from the server's timeout on ({unit})", script, height=HEIGHT)


def _zones(sweep: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The steps before, around and after the time at which the server closes."""
    first, last = sweep["timeout_ms"] - EDGE_MS, sweep["timeout_ms"] + sweep["closes_over_ms"] + EDGE_MS
    return {"shorter": [one for one in steps if one["gap_ms"] < first],
            "around it": [one for one in steps if first <= one["gap_ms"] <= last],
            "longer": [one for one in steps if one["gap_ms"] > last]}


def table(sweep: dict[str, Any]) -> list[list[str]]:
    """Head and lines: what became of the requests before, around and after the server's timeout, for each pool."""
    lines = [["pool", "gaps", "same connection", "new one", "failed", "how"]]
    for pool in sweep["pools"]:
        for number, (zone, steps) in enumerate(_zones(sweep, pool["steps"]).items()):
            how: Counter[str] = Counter()
            for step in steps:
                how.update(step["how"])
            said = ", ".join(f"{name} {units.count(count)}" for name, count in how.most_common())
            sums = [units.count(sum(step[key] for step in steps)) for key in ("same", "new", "failed")]
            lines.append(["" if number else pool["name"], zone, *sums, said])
    return lines


def windows(sweep: dict[str, Any]) -> list[str]:
    """The race window of each pool that watches, and what was left out."""
    said = []
    for pool in sweep["pools"]:
        window = pool["window"]
        if pool["watch"] and window:
            reach = f"[{units.duration_us(1000 * window['low_ms'])} .. {units.duration_us(1000 * window['high_ms'])}]"
            said.append(f"race window, {pool['name']}: {units.duration_us(1000 * window['width_ms'])} {reach}")
    left_out = sum(pool["late"] for pool in sweep["pools"])
    return said + ([f"left out: {units.plural(left_out, 'request')} that this machine sent too late"] if left_out else [])


def text(sweep: dict[str, Any]) -> str:
    """For a console: the table, and the race windows."""
    rows = table(sweep)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if n in (0, 1, 5) else cell.rjust(width)
                       for n, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip() for row in rows]
    return "\n".join([*lines, "", *windows(sweep)])


def _closes(sweep: dict[str, Any]) -> str:
    """Who closes, and when."""
    timeout, over = (units.round_us(1000 * sweep[key]) for key in ("timeout_ms", "closes_over_ms"))
    later = f" and up to {over} later" if sweep["closes_over_ms"] else ""
    return f"A connection that idles is closed by {sweep['title']}, after {sweep['option']} = {timeout}{later}"


def page(_: Path, sweep: dict[str, Any]) -> Page:
    """sweep__SERVER.html"""
    drawn = plot(sweep)
    came = "; ".join(map(_failed, sweep["pools"]))
    return Page(
        title=f"The race at the idle timeout, {sweep['title']}",
        sentences=[f"{_closes(sweep)}. Of the second requests of pairs, just before, at and after that: {came}."],
        about=f"{units.plural(sweep['pairs'], 'pair')} at each idle time, {sweep['rate']:g} begin in a second, seed {sweep['seed']}",
        tables=[Table(table(sweep), left=2)], plots=[drawn] if drawn else [],
        remarks=[units.sentence(one) + "." for one in windows(sweep)],
        notes=[] if drawn else ["There is no plot: nearly every request came late, this machine is too busy for a sweep."],
    )
