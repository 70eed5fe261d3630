"""Which of my two timeouts: the sentences, the expectation drawn over the pool's timeout, and the sweep that it was tried with."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import palette, sweep, units
from .content import Page, Table
from .gnuplot import Plot, block, quote, stem, tics

NOTHING = 0.1  # of a million: what stands for none on the logarithmic axis
WIDE = 110


def text(found: dict[str, Any]) -> str:
    """For a console."""
    parts = ["\n\n".join(textwrap.fill(one, WIDE) for one in found["said"]), "\n".join(f"({note})" for note in found["notes"])]
    if found["sweep"]:
        parts += [textwrap.fill(found["tried"], WIDE), sweep.text(found["sweep"])]
    return "\n\n".join(parts)


def page(_: Path, found: dict[str, Any]) -> Page:
    """advise.html"""
    swept, plots, remarks = found["sweep"], [expected(found)], [units.sentence(note) + "." for note in found["notes"]]
    tables = [Table(table(found))]
    if swept:
        remarks.append(found["tried"])
        tables.append(Table(sweep.table(swept), left=2, heading="Tried on this machine"))
        drawn = sweep.plot(swept)
        plots += [replace(drawn, name=stem("advise", "sweep"))] if drawn else []
    timeouts = f"server {_timeout(found['server_idle_ms'])}, pool {_timeout(found['now']['pool_idle_ms'])}"
    return Page(title="Which of my two timeouts?", sentences=found["said"], about=f"{timeouts}; gaps {found['gap']}", tables=tables,
                plots=plots, remarks=remarks)


def _timeout(ms: float | None) -> str:
    return "never" if ms is None else units.round_us(1000 * ms)


def table(found: dict[str, Any]) -> list[list[str]]:
    """Head and lines: what is expected as it is, and with the advised timeout."""
    lines = [["", "pool's idle timeout", "closes first", "fail, of a million", "with a pool that does not look", "reuse rate"]]
    for name in ("now", "advised"):
        one = found[name]
        lines.append([{"now": "as you have it"}.get(name, name), _timeout(one["pool_idle_ms"]), one["first"],
                      *(units.per_thousand(one[key]) for key in ("failures_per_million", "failures_per_million_unwatched")),
                      units.percent(one["reuse_rate"])])
    return lines


def _axis(found: dict[str, Any]) -> tuple[str, float]:
    """Unit, and its size in ms."""
    last = found["curve"][-1]["pool_idle_ms"]
    return next((unit, size) for unit, size in (("h", 3_600_000.0), ("min", 60_000.0), ("s", 1000.0), ("ms", 1.0))
                if last >= 10 * size or size == 1)


def _marks(found: dict[str, Any], size: float) -> list[str]:
    """The server's timeout, and the pool's as it is and as advised, each a line through both panels."""
    server, now, advised = (found["server_idle_ms"], found["now"]["pool_idle_ms"], found["advised"]["pool_idle_ms"])
    lines = [(server, palette.RED, "(6,4)")]
    lines += [(now, palette.INK, "(2,3)")] if now else []
    lines += [(advised, palette.GREEN, "(8,3,2,3)")] if advised and advised != now else []
    marks = [f"set arrow from {ms / size:.8g}, graph 0 to {ms / size:.8g}, graph 1 nohead lw 1.8 dt {dash} lc rgb '{colour}' front"
             for ms, colour, dash in lines]
    if found["closes_over_ms"]:
        marks.append(f"set object rectangle from {server / size:.8g}, graph 0 to {(server + found['closes_over_ms']) / size:.8g}, "
                     f"graph 1 fc rgb '{palette.RED}' fs transparent solid 0.07 noborder behind")
    return marks


def expected(found: dict[str, Any]) -> Plot:
    """What fails, and below it what is reused, for each idle timeout that the pool could have."""
    unit, size = _axis(found)
    rows = [[one["pool_idle_ms"] / size, *(max(one[key], NOTHING) for key in ("failures_per_million", "failures_per_million_unwatched")),
             100 * one["reuse_rate"]] for one in found["curve"]]
    top = max(10.0, 4 * max(max(row[1:3]) for row in rows))
    said = "red: the server's timeout; black: the pool's" + ("; green: the advised one" if found["advised"] != found["now"] else "")
    powers = [("none", NOTHING)] + [(f"{10**power:,}", 10**power) for power in range(7) if 10**power <= top]
    script = block("curve", rows) + "\n".join(_marks(found, size)) + f"""
set xrange [0:{rows[-1][0]:.8g}]
set grid xtics ytics
set multiplot
set tmargin at screen 0.80
set bmargin at screen 0.50
set format x ''
set logscale y
set yrange [{NOTHING / 1.5:g}:{top:.6g}]
set ytics {tics(powers)}
set key at graph 0, graph 1.19 left top horizontal
plot $curve using 1:2 with lines lw 2.4 lc rgb '{palette.BLUE}' title {quote("fail, of a million requests, with a pool that watches")}, \\
     $curve using 1:3 with lines lw 2.4 dt (8,4) lc rgb '{palette.ORANGE}' title {quote("with one that does not look")}
unset label 1001
unset label 1002
unset label 1003
unset logscale y
set tmargin at screen 0.40
set bmargin at screen 0.15
set format x '%g'
set yrange [0:104]
set ytics 0,25,100 format '%g %%'
plot $curve using 1:4 with lines lw 2.4 lc rgb '{palette.GREEN}' title {quote("reuse rate")}
unset multiplot
"""
    return Plot(stem("advise", "expected"), "What to expect, by the pool's idle timeout", said, f"the pool's idle timeout ({unit})", script,
                height=560)
