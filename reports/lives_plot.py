"""Draws the life of connections: a line each, thin while open, thick while in use, with what befell it marked on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import palette, units
from .gnuplot import Plot, block, quote, tics
from .lives import Choice, choose, read

WIDTH, ROW, TOP, LINE = 900, 17, 56, 18  # pixels: the chart, a connection, what is above it, a line of text
LABELS, LEGEND = 3, 4  # how many violations get a label of their own; entries in a line of the legend
PIXELS = 820  # of the time axis: closer than three of these, two ticks are one
# name of the data -> legend, line
VECTORS = {
    "open": ("open, idle", f"lw 1.4 lc rgb '{palette.MUTED}'"),
    "unknown": ("open, not recorded", f"lw 1.4 lc rgb '{palette.PALE}'"),
    "ended": ("ended, still held", f"lw 2 dt (3,3) lc rgb '{palette.PURPLE}'"),
    "used": ("in use", f"lw 8 lc rgb '{palette.BLUE}'"),
    "ticks": ("request", f"lw 1.1 lc rgb '{palette.INK}'"),
}
# kind of mark -> legend, point type, size, colour
MARKS = {
    "fin_sent": ("server sends FIN", 9, 1.0, palette.PURPLE),
    "half_closed": ("server half-closes", 8, 1.0, palette.PURPLE),
    "rst_sent": ("server resets", 2, 0.9, palette.PURPLE),
    "stray": ("stray bytes", 13, 1.1, palette.ORANGE),
    "late": ("used though ended", 5, 0.8, palette.INK),
    "fin_seen": ("client closes", 6, 0.7, palette.INK),
    "rst_seen": ("client resets", 4, 0.7, palette.INK),
    "violation": ("violation", 6, 2.2, palette.RED),
}


@dataclass(frozen=True)
class Violation:
    clause: str
    t: int | None
    conn: int | None


@dataclass(frozen=True)
class Window:
    """The stretch of time that is shown, and how it is written."""

    zero: int  # the moment that times are told from: the run's first
    start: int
    end: int
    last: int  # where the lives that are shown end, which may be later
    cut: bool  # the requests of these lives were not recorded to their end

    @property
    def unit(self) -> tuple[str, float]:
        return ("ms", 1e6) if self.end - self.zero < 2e9 else ("s", 1e9)

    def x(self, t: int) -> float:
        return (t - self.zero) / self.unit[1]

    def pixels(self, count: float) -> int:
        """As many pixels as nanoseconds."""
        return round((self.end - self.start) / PIXELS * count)


def window(events: list[dict[str, Any]], choice: Choice, violations: list[Violation]) -> Window:
    """The stretch in which the lives that are shown were lived. If their requests were recorded in the first moments only, it
    ends there, since the rest would be empty lines, unless something is violated later."""
    times = [event["t"] for event in events if isinstance(event.get("t"), int) and event.get("ev") not in ("conn_books", "lag")]
    lives, red = choice.lives, [v.t for v in violations if v.t is not None]
    zero = min([*times, *(life.opened for life in lives)])
    start = min(life.opened for life in lives)
    still_open = max([*times, *red, start]) if any(life.closed is None for life in lives) else start
    last = max([still_open, *red, *(life.closed for life in lives if life.closed is not None),
                *(t for life in lives for t in (*life.requests, *(at for at, _ in life.marks)))])
    cuts = [life.recorded_until for life in lives if life.recorded_until is not None]
    known = max([t for life in lives for t in life.requests], default=last)
    end = max([known, *red]) if cuts and known - start < (last - start) / 4 else last
    margin = max((end - start) // 60, 500)
    return Window(zero, max(start - margin, zero), end + margin, last, bool(cuts))


def _rows(choice: Choice, span: Window, violations: list[Violation]) -> dict[str, list[tuple[float, ...]]]:
    """The data blocks: stretches as (x, y, dx, 0), ticks as (x, y, 0, dy), marks as (x, y)."""
    blocks: dict[str, list[tuple[float, ...]]] = {name: [] for name in (*VECTORS, *MARKS)}

    def stretch(name: str, y: int, begin: int, end: int, least: int = 0) -> None:
        begin, end = max(begin, span.start), min(end, span.end)
        if end - begin > least:
            blocks[name].append((span.x(begin), y, span.x(end) - span.x(begin), 0))

    for y, life in enumerate(choice.lives):
        closed = span.end if life.closed is None else life.closed
        ended = closed if life.ended_by_server is None else min(life.ended_by_server, closed)
        known = min(ended, ended if life.recorded_until is None else life.recorded_until)
        stretch("open", y, life.opened, known)
        stretch("unknown", y, known, ended)
        stretch("ended", y, ended, closed, span.pixels(2))
        for begin, end in life.in_use:
            stretch("used", y, begin, min(max(end if end is not None else closed, begin + span.pixels(2)), max(closed, begin)))
        seen = set()
        for t in life.requests:
            column = (t - span.start) // max(span.pixels(3), 1)
            if t <= span.end and column not in seen:
                seen.add(column)
                blocks["ticks"].append((span.x(t), y - 0.36, 0, 0.72))
        for t, kind in life.marks:
            if t <= span.end:
                blocks[kind].append((span.x(t), y))
        blocks["violation"] += [(span.x(v.t), y) for v in violations if v.conn == life.conn and v.t is not None]
    return blocks


def _subtitle(choice: Choice, span: Window) -> str:
    said = []
    if choice.total > len(choice.lives):
        more = f" and {choice.violating} that violate a clause" if choice.violating else ""
        said.append(f"the first {len(choice.lives) - choice.violating}{more} of {units.plural(choice.total, 'connection')}")
    else:
        said.append(units.plural(choice.total, "connection"))
    if span.end < span.last:
        said.append(f"the first {units.duration_us((span.end - span.start) / 1e3)} of "
                    f"{units.duration_us((span.last - span.start) / 1e3)}")
    if span.cut:
        known, counted = sum(len(life.requests) for life in choice.lives), sum(life.counted for life in choice.lives)
        said.append(f"{units.count(known)} of their {units.count(counted)} requests were recorded one by one")
    return "; ".join(said)


def _moments(violations: list[Violation]) -> list[tuple[int, list[str]]]:
    """The violating moments in order of time, each with the clauses that it violates."""
    moments: dict[int, list[str]] = {}
    for violation in violations:
        if violation.t is not None:
            clauses = moments.setdefault(violation.t, [])
            if violation.clause not in clauses:
                clauses.append(violation.clause)
    return sorted(moments.items())


def _violations(violations: list[Violation], choice: Choice, span: Window, height: int) -> str:
    """What is red: a band behind the connection, a line at the moment, and above it, a line of text each, what it violates."""
    commands, row_of = [], {life.conn: y for y, life in enumerate(choice.lives)}
    for y in sorted({row_of[v.conn] for v in violations if v.conn in row_of}):
        commands.append(f"set object rectangle from graph 0, first {y - 0.5} to graph 1, first {y + 0.5} "
                        f"fc rgb '{palette.RED}' fs transparent solid 0.12 noborder behind")
    for number, (t, clauses) in enumerate(_moments(violations)):
        x = span.x(min(max(t, span.start), span.end))
        line = f"nohead lw 1.6 lc rgb '{palette.RED}' front"
        commands.append(f"set arrow from first {x:.10g}, graph 0 to first {x:.10g}, graph 1 {line}")
        if number < LABELS:
            lines = min(len(_moments(violations)), LABELS)
            at, right = 1 - (TOP + LINE * (lines - number - 0.5)) / height, t - span.start > (span.end - span.start) / 2
            more = f" and {len(clauses) - 1} more" if len(clauses) > 1 else ""
            commands.append(f"set arrow from first {x:.10g}, graph 1 to first {x:.10g}, screen {at:.5f} {line}")
            commands.append(f"set label {quote('violates ' + clauses[0] + more)} at first {x:.10g}, screen {at:.5f} "
                            f"offset {-0.5 if right else 0.5},0 {'right' if right else 'left'} "
                            f"textcolor rgb '{palette.RED}' font NORMAL noenhanced front")
    return "\n".join(commands) + "\n"


def _forms(blocks: dict[str, list[tuple[float, ...]]]) -> list[str]:
    """The parts of the plot command: what is empty is left out of the chart and of its legend."""
    forms = [f"${name} using 1:2:3:4 with vectors nohead {look} title {quote(label)}"
             for name, (label, look) in VECTORS.items() if blocks[name]]
    for kind, (label, shape, size, colour) in MARKS.items():
        if blocks[kind]:  # twice: a pale rim sets the mark off from the bar that it may lie on
            forms += [f"${kind} using 1:2 with points pt {shape} ps {size * 1.1} lw 4 lc rgb '{palette.PAPER}' notitle",
                      f"${kind} using 1:2 with points pt {shape} ps {size} lw 1.6 lc rgb '{colour}' title {quote(label)}"]
    return forms


def plot(name: str, title: str, events: list[dict[str, Any]], violations: list[Violation]) -> Plot | None:
    """The chart of one trace; None when no connection was opened."""
    lives = read(events)
    if not lives:
        return None
    choice = choose(lives, {v.conn for v in violations if v.conn is not None})
    span = window(events, choice, violations)
    blocks = _rows(choice, span, violations)
    forms = _forms(blocks)
    labels, legend = min(len(_moments(violations)), LABELS), -(-sum(map(bool, blocks.values())) // LEGEND)
    many = len({life.listener for life in lives}) > 1
    names = [(f"{life.listener} c{life.conn}" if many else f"c{life.conn}", y) for y, life in enumerate(choice.lives)]
    count = len(choice.lives)
    left = 16 + 7 * max(len(label) for label, _ in names)
    margins = (max(left, 44), 30, TOP + LINE * labels + 4, 64 + LINE * legend)
    height = margins[2] + margins[3] + ROW * max(count, 3)
    script = "".join(block(key, rows) for key, rows in blocks.items() if rows)
    script += _violations(violations, choice, span, height) + f"""
set grid xtics noytics
set key at screen 0.5, screen {8 / height:.5f} center bottom horizontal maxcols {LEGEND} samplen 2
set xrange [{span.x(span.start):.10g}:{span.x(span.end):.10g}]
set yrange [{count - 0.4}:-0.6]
set ytics {tics(names)} scale 0
set border 1
plot {', '.join(forms)}
"""
    x_label = f"time since the run began ({span.unit[0]})"
    return Plot(name, title, _subtitle(choice, span), x_label, script, WIDTH, height, margins)
