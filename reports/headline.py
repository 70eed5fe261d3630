"""The headline: one table, each behaviour of the server with what it did to reuse, failures and latency."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from html import escape
from statistics import median
from typing import Any

from . import units
from .markdown import table as markdown_table

FIGURES = ("reuse_rate", "connections_per_1000", "first_use_p50_us", "first_use_p99_us", "reuse_p50_us", "reuse_p99_us")
# (upper line, lower line) of each column's head
COLUMNS = (("behaviour", ""), ("requests", ""), ("reuse", "rate"), ("failed", "requests"), ("connections", "per 1,000"),
           ("first use", "p50"), ("first use", "p99"), ("reuse", "p50"), ("reuse", "p99"))


@dataclass(frozen=True)
class Row:
    """One line of the headline. A figure is None where there was nothing to measure it on."""

    label: str
    behaviour: str
    scenario: str
    subject: str
    runs: int
    requests: int | None
    failed: int | None
    reuse_rate: float | None
    connections_per_1000: float | None
    first_use_p50_us: float | None
    first_use_p99_us: float | None
    reuse_p50_us: float | None
    reuse_p99_us: float | None

    def cells(self) -> list[str]:
        return [
            self.label, units.count(self.requests), units.percent(self.reuse_rate), units.count(self.failed),
            units.per_thousand(self.connections_per_1000), units.duration_us(self.first_use_p50_us),
            units.duration_us(self.first_use_p99_us), units.duration_us(self.reuse_p50_us), units.duration_us(self.reuse_p99_us),
        ]


def _known(figures: list[dict[str, Any]], name: str) -> list[float]:
    return [figure[name] for figure in figures if isinstance(figure.get(name), int | float)]


def _label(key: tuple[str, str, str], keys: list[tuple[str, str, str]]) -> str:
    """The behaviour's name, and as much more as tells it from the other lines."""
    behaviour, scenario, subject = key
    alike = [other for other in keys if other[0] == behaviour]
    more = []
    if len({other[1] for other in alike}) > 1:
        more.append(scenario.rpartition("/")[2])
    if len({other[2] for other in keys}) > 1:
        more.append(subject)
    return f"{behaviour} ({', '.join(more)})" if more else behaviour


def rows(results: dict[str, Any]) -> list[Row]:
    """The lines, `ok` first. Repeats of one scenario are one line: counts added up, rates and latencies their median."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for load in results.get("loads") or []:
        key = (str(load.get("behaviour") or load.get("scenario")), str(load.get("scenario")), str(load.get("subject")))
        groups[key].append(load.get("figures") or {})
    keys = sorted(groups, key=lambda key: (key[0] != "ok", key))
    table = []
    for key in keys:
        figures = groups[key]
        medians = {name: median(values) if (values := _known(figures, name)) else None for name in FIGURES}
        sums = {name: int(sum(values)) if (values := _known(figures, name)) else None for name in ("requests", "failed")}
        table.append(Row(_label(key, keys), *key, len(figures), **sums, **medians))
    return table


def text(results: dict[str, Any]) -> str:
    """The table for a console, without colours; empty when nothing was loaded."""
    table = rows(results)
    if not table:
        return ""
    lines = [[head[0] for head in COLUMNS], [head[1] for head in COLUMNS], *(row.cells() for row in table)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                  for column, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip()
        for line in lines
    )


def markdown(results: dict[str, Any]) -> str:
    table = rows(results)
    if not table:
        return ""
    return markdown_table([[" ".join(head).strip() for head in COLUMNS], *(row.cells() for row in table)], 1)


def html(results: dict[str, Any]) -> str:
    table = rows(results)
    if not table:
        return ""
    head = "".join(f"<th scope=col>{escape(upper)}<br>{escape(lower)}</th>" for upper, lower in COLUMNS)
    body = "".join(
        f"<tr><th scope=row title=\"{escape(f'{row.scenario}, {row.subject}')}\">{escape(row.label)}</th>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in row.cells()[1:]) + "</tr>\n"
        for row in table
    )
    return f"<table class=figures><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table>"
