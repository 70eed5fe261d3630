"""Reuse rate and new connections over time, second by second, one above the other on the same axis."""

from __future__ import annotations

from typing import Any

from . import palette, units
from .gnuplot import Plot, block, step


def points(rows: list[dict[str, Any]]) -> list[tuple[float, float, float]]:
    """(second, reuse rate in % or NaN where nothing was asked, connections opened)"""
    result = []
    for row in rows:
        requests, reused = row["requests"] or 0, row["reused"] or 0
        result.append((row["second"] or 0, 100 * reused / requests if requests else float("nan"), row["opened"] or 0))
    return result


def plot(name: str, title: str, rows: list[dict[str, Any]], subtitle: str = "") -> Plot | None:
    """None when the run did not last long enough for one row."""
    if len(rows) > 1 and not (rows[-1]["requests"] or rows[-1]["opened"]):
        rows = rows[:-1]  # the second that had just begun when the run ended
    if not rows:
        return None
    data = points(rows)
    first, last = data[0][0], data[-1][0]
    opened = int(sum(row[2] for row in data))
    top = max(1.0, max(row[2] for row in data)) * 1.15
    said = subtitle or f"{units.plural(opened, 'connection')} opened in {units.plural(len(data), 'second')}"
    panel = f"at graph 0, graph 1 offset 0.3,0.7 left textcolor rgb '{palette.MUTED}' font NORMAL"
    style = f"lc rgb '{palette.BLUE}' lw 2"
    script = block("seconds", data) + f"""
unset key
set xrange [{first}:{last + 1}]
set xtics {max(step(last + 1 - first, 15), 1):g}
set grid xtics ytics
set multiplot
set bmargin at screen 0.47
set format x ''
set yrange [0:105]
set ytics 0,25,100 format '%g %%'
set label 1 'requests on a reused connection' {panel}
plot $seconds using ($1+0.5):2 with linespoints pt 7 ps 0.6 {style}
unset label 1001
unset label 1002
unset label 1003
set tmargin at screen 0.40
set bmargin at screen 0.13333
set format x '%g s'
set yrange [0:{top:.6g}]
set ytics {max(step(top, 5), 1):g} format '%.0f'
set label 1 'new connections in each second' {panel}
set boxwidth 0.86
set style fill solid 1
plot $seconds using ($1+0.5):3 with boxes lc rgb '{palette.ORANGE}'
unset multiplot
"""
    return Plot(name, title, said, "time since the start of the run", script, margins=(84, 48, 76, 64))
