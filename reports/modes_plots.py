"""The pictures of one load in three forms: connections in TIME_WAIT over time, what a request costs, what few ports do."""

from __future__ import annotations

from statistics import median
from typing import Any

from . import palette, units
from .gnuplot import Plot, block, quote, stem, step, tics

LEAST = 0.4  # what stands for nothing on the logarithmic axis
LINES = (  # side, gnuplot line
    ("client", f"lc rgb '{palette.BLUE}' lw 2.2 dt 1"),
    ("server", f"lc rgb '{palette.ORANGE}' lw 2.2 dt (8,4)"),
)


def _middle_run(form: dict[str, Any]) -> dict[str, Any]:
    """The run whose length is the median."""
    return sorted(form["runs"], key=lambda run: run["elapsed_s"])[len(form["runs"]) // 2]


def sockets(modes: dict[str, Any]) -> Plot:
    """A panel for each form, all on the same axes."""
    forms = modes["forms"]
    runs = [_middle_run(form) for form in forms]
    last = max(run["sockets"][-1]["t_s"] for run in runs)
    top = max(10, *(one[side]["TIME_WAIT"] for run in runs for one in run["sockets"] for side, _ in LINES)) * 2
    marks = [("0", LEAST)] + [(f"{10**power:,}", 10**power) for power in range(7) if 10**power <= top]
    data, parts, width, gap = [], [], 0.912 / len(forms), 0.012
    for number, (form, run) in enumerate(zip(forms, runs, strict=True)):
        rows = [[one["t_s"], *(max(one[side]["TIME_WAIT"], LEAST) for side, _ in LINES)] for one in run["sockets"]]
        rows.append([last, *rows[-1][1:]])  # TIME_WAIT stays for a minute
        left = 0.075 + number * width
        lines = ", ".join(f"$looks{number} using 1:{at} with lines {style} title {quote(side)}"
                          for at, (side, style) in enumerate(LINES, 2))
        data.append(block(f"looks{number}", rows))
        parts.append(f"""
set lmargin at screen {left:.4f}
set rmargin at screen {left + width - gap:.4f}
set label 1 {quote(form['name'])} at graph 0, graph 1 offset 0.3,0.7 left textcolor rgb '{palette.INK}' font NORMAL
set ytics {tics(marks if number == 0 else [("", at) for _, at in marks])}
{"unset key" if form is not forms[-1] else "set key right top"}
plot {lines}
unset label 1001
unset label 1002
unset label 1003
""")
    distance = step(last, 2)
    script = "".join(data) + f"""
set logscale y
set grid ytics
set xrange [0:{last:.6g}]
set yrange [{LEAST}:{top:.6g}]
set xtics {distance:g} format '%g s'
unset mytics
set multiplot
""" + "".join(parts) + "unset multiplot\n"
    said = f"while the load runs and when it is over; {units.plural(modes['users'], 'user')}, {modes['server']} server"
    return Plot(stem("modes", modes["server"], "sockets"), "Connections in TIME_WAIT, on each side", said,
                "time since the start of the run", script, height=360, margins=(68, 12, 84, 64))


def _above(number: int, height: float, text: str) -> str:
    """What stands above bar number so and so."""
    place = f"at {number}, {height:.6g} offset 0,0.8 center"
    return f"set label {10 + number} {quote(text)} {place} textcolor rgb '{palette.INK}' font NORMAL noenhanced front\n"


def _bars(labels: list[tuple[str, float]], top: float) -> str:
    """The axes of a bar for each form."""
    return f"""
set key at screen 0.5, screen 0.02 center bottom horizontal
set grid ytics
set xrange [-0.6:{len(labels) - 0.4}]
set yrange [0:{top:.6g}]
set xtics {tics(labels)}
set boxwidth 0.5
set style fill solid 1"""


def costs(modes: dict[str, Any]) -> Plot:
    """CPU of one request, client and server one upon the other, with the spread of their sum."""
    rows, labels = [], []
    for number, form in enumerate(modes["forms"]):
        costs = [run["per_request"] for run in form["runs"] if run["per_request"]["cpu_us"] is not None]
        labels.append((form["name"], number))
        if costs:
            client, server = (median(one[side] for one in costs) for side in ("client_cpu_us", "server_cpu_us"))
            sums = [one["cpu_us"] for one in costs]
            rows.append([number, client, client + server, min(sums), max(sums), median(one["handshakes"] for one in costs)])
    top = max([row[4] for row in rows] or [1]) * 1.2
    texts = "".join(_above(row[0], row[4], f"{row[2]:.1f} µs, {row[5]:.4g} handshake{'' if row[5] == 1 else 's'}") for row in rows)
    script = block("costs", rows) + texts + _bars(labels, top) + f"""
set ytics {step(top, 6):g} format '%g µs'
plot $costs using 1:3 with boxes lc rgb '{palette.ORANGE}' title 'server', \\
     $costs using 1:2 with boxes lc rgb '{palette.BLUE}' title 'client', \\
     $costs using 1:4:(0):($5-$4) with vectors heads size screen 0.005,90 lw 1.6 lc rgb '{palette.INK}' \\
     title 'least and greatest sum of a round'
"""
    said = f"medians of {units.plural(modes['rounds'], 'round')}"
    return Plot(stem("modes", modes["server"], "costs"), "Processor time of one request", said, "", script, height=420)


def ports(modes: dict[str, Any]) -> list[Plot]:
    """How many requests were answered and how many failed with few local ports; nothing where that was skipped."""
    found = modes["few_ports"]
    if "skipped" in found:
        return []
    names = {form["form"]: form["name"] for form in modes["forms"]}
    labels = [(names[row["form"]], number) for number, row in enumerate(found["rows"])]
    rows = [[number, row["ok"], row["ok"] + row["failed"]] for number, row in enumerate(found["rows"])]
    top = max(row[2] for row in rows) * 1.2
    texts = "".join(_above(number, row[2], f"{row[1]:,} answered, {row[2] - row[1]:,} failed") for number, row in enumerate(rows))
    script = block("rows", rows) + texts + _bars(labels, top) + f"""
set ytics {tics((units.count(at), at) for at in range(0, int(top), int(step(top, 6))))}
plot $rows using 1:3 with boxes lc rgb '{palette.RED}' title 'failed: no local port left', \\
     $rows using 1:2 with boxes lc rgb '{palette.BLUE}' title 'answered'
"""
    said = "a connection that the client closes first keeps its port in TIME_WAIT for a minute"
    title = f"The same load with {found['ports']:,} local ports"
    return [Plot(stem("modes", modes["server"], "ports"), title, said, "", script, height=420)]
