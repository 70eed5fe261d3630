"""One load in three forms: the table, the sentences, the pictures and the page.

Figures are medians of the rounds with their spread; what counts on a shared machine is the ratio within a round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from . import files, latency, modes_plots, units
from .content import Page, Table
from .gnuplot import stem

Run = dict[str, Any]


def _latency(name: str) -> Callable[[Run], float | None]:
    return lambda run: run["latency_us"][name]


def _cost(name: str) -> Callable[[Run], float | None]:
    return lambda run: run["per_request"][name]


def _sockets(when: str, side: str, state: str) -> Callable[[Run], float | None]:
    return lambda run: run[when][side][state]


def _micro(value: float) -> str:
    return f"{value:.1f} µs"


def _share(value: float) -> str:
    return f"{value:.4g}"


# name, from a run, how it is written
ROWS: tuple[tuple[str, Callable[[Run], float | None], Callable[[float], str]], ...] = (
    ("requests per second", lambda run: run["throughput"], units.count),
    ("latency, 50 %", _latency("p50"), units.duration_us),
    ("latency, 99 %", _latency("p99"), units.duration_us),
    ("latency, 99.9 %", _latency("p99_9"), units.duration_us),
    ("client CPU per request", _cost("client_cpu_us"), _micro),
    ("server CPU per request", _cost("server_cpu_us"), _micro),
    ("handshakes per request", _cost("handshakes"), _share),
    ("teardowns per request", _cost("teardowns"), _share),
    ("TCP segments per request", _cost("segments"), _share),
    ("TIME_WAIT left, client", _sockets("left", "client", "TIME_WAIT"), units.count),
    ("TIME_WAIT left, server", _sockets("left", "server", "TIME_WAIT"), units.count),
    ("CLOSE_WAIT at most, client", _sockets("peak", "client", "CLOSE_WAIT"), units.count),
    ("CLOSE_WAIT at most, server", _sockets("peak", "server", "CLOSE_WAIT"), units.count),
    ("failed requests", lambda run: run["failed"], units.count),
)


def _spread(values: list[float | None], written: Callable[[float], str]) -> str:
    """median [least .. greatest]; alone where all are the same."""
    known = [value for value in values if value is not None]
    if not known:
        return units.NONE
    middle, least, most = (written(value) for value in (median(known), min(known), max(known)))
    return middle if least == most else f"{middle} [{least} .. {most}]"


def table(modes: dict[str, Any]) -> list[list[str]]:
    """Head and lines: a figure, and what it is in each form."""
    forms = modes["forms"]
    lines = [["median of rounds [least .. greatest]", *(form["name"] for form in forms)]]
    lines += [[name, *(_spread([read(run) for run in form["runs"]], written) for form in forms)] for name, read, written in ROWS]
    lines.append(["CPU per request, times that of long", *(_times(modes, form["form"]) for form in forms)])
    return lines


def ratios(modes: dict[str, Any], form: str) -> list[float]:
    """CPU per request, both sides, of a form divided by that of `long` in the same round."""
    runs = {one["form"]: one["runs"] for one in modes["forms"]}
    pairs = [(run["per_request"]["cpu_us"], long["per_request"]["cpu_us"])
             for run, long in zip(runs[form], runs["long"], strict=True)]
    return [own / long for own, long in pairs if own is not None and long]


def _times(modes: dict[str, Any], form: str) -> str:
    return _spread(list(ratios(modes, form)), lambda value: f"{value:.2f}")


def few_ports(modes: dict[str, Any]) -> list[list[str]]:
    """Head and lines: a form, and how it fared with few local ports. Empty where that was skipped."""
    found = modes["few_ports"]
    if "skipped" in found:
        return []
    names = {form["form"]: form["name"] for form in modes["forms"]}
    lines = [[f"with {found['ports']:,} local ports", "requests", "answered", "failed", "with", "TIME_WAIT, client",
              "TIME_WAIT, server"]]
    for row in found["rows"]:
        errors = ", ".join(sorted({f"{error['error']} in {error['phase']}" for error in row["errors"]})) or units.NONE
        lines.append([names[row["form"]], units.count(row["requests"]), units.count(row["ok"]), units.count(row["failed"]), errors,
                      *(units.count(row["left"][side]["TIME_WAIT"]) for side in ("client", "server"))])
    return lines


def lulls(modes: dict[str, Any]) -> list[list[str]]:
    """Head and lines: what ended the connections of a form where the load has lulls, by the server's books."""
    found = modes.get("lulls")
    if not found:
        return []
    names = {form["form"]: form["name"] for form in modes["forms"]}
    head = f"users pause for {_ms(found['pause_ms'])} behind {found['pause_every']:,} requests each"
    lines = [[head, "requests", "failed", "ended by the limit", "by the idle timeout", "by the client at the end"]]
    for row in found["rows"]:
        counts = [row["requests"], row["failed"], *(row["ended"][why] for why in ("limit", "timeout", "client"))]
        lines.append([names[row["form"]], *map(units.count, counts)])
    return lines


def _ms(value: float) -> str:
    return units.round_us(1000 * value)


def sentences(modes: dict[str, Any]) -> list[str]:
    """What the figures come to, as far as they say it."""
    said = []
    short = [value for form in ("short-server", "short-client") for value in ratios(modes, form)]
    if short:
        said.append(f"A request on a connection of its own costs {min(short):.1f} to {max(short):.1f} times the CPU of one on a "
                    "connection that stays open, client and server together.")
    if "lulls" in modes:
        ended = next(row["ended"] for row in modes["lulls"]["rows"] if row["form"] == "keep-alive")
        said.append(f"Where users pause now and then, the server's limit of {units.plural(modes['limit'], 'request')} ended "
                    f"{ended['limit']:,} keep-alive connections, and its idle timeout of {_ms(modes['server_idle_ms'])} "
                    f"{ended['timeout']:,}.")
    if modes["no_namespace"]:
        said.append(f"Measured without a namespace ({modes['no_namespace']}): TIME_WAIT is counted by the server's port, "
                    "segments are not counted, and few ports were not tried.")
        return said
    lost = [row for row in modes["few_ports"]["rows"] if row["failed"]]
    for row in lost:
        name = next(form["name"] for form in modes["forms"] if form["form"] == row["form"])
        said.append(f"With {modes['few_ports']['ports']:,} local ports, {row['failed']:,} of {row['requests']:,} requests failed in the "
                    f"form \"{name}\": {row['left']['client']['TIME_WAIT']:,} ports were in TIME_WAIT on the client's side.")
    said.append(f"The other {len(modes['few_ports']['rows']) - len(lost)} forms lost none." if lost
                else "With few local ports, no form lost a request.")
    return said


def about(modes: dict[str, Any]) -> str:
    amount = f"{modes['requests']:,} requests" if modes["requests"] else f"{modes['duration_s']:g} s"
    users, rounds = units.plural(modes["users"], "user"), units.plural(modes["rounds"], "round")
    return (f"{modes['server']} server, {users}, {amount} in each of {rounds}; "
            f"keep-alive: the server ends a connection after {units.plural(modes['limit'], 'request')}, or "
            f"when it has idled for {_ms(modes['server_idle_ms'])}")


def text(modes: dict[str, Any]) -> str:
    """For the console."""
    tables = [lines for lines in (table(modes), lulls(modes), few_ports(modes)) if lines]
    return "\n\n".join([about(modes), *(units.columns(lines, 1) for lines in tables), "\n".join(sentences(modes))])


def page(folder: Path, modes: dict[str, Any]) -> Page:
    """modes__SERVER.html"""
    notes: list[str] = []
    plots = [modes_plots.sockets(modes), modes_plots.costs(modes), *modes_plots.ports(modes)]
    try:
        curves = [latency.Curve(form["name"], style, files.histogram(folder / form["latency"]))
                  for form, style in zip(modes["forms"], latency.PEER_STYLES, strict=True)]
        plots.append(latency.plot(stem("modes", modes["server"], "latency"), "Latency of each form", curves, "the last round"))
    except files.BadFile as error:
        notes.append(str(error))
    tables = [Table(table(modes)), Table(lulls(modes), heading="When the load has lulls"),
              Table(few_ports(modes), heading="When local ports are few")]
    return Page(
        title=f"Long, short and keep-alive connections, {modes['server']} server", sentences=sentences(modes), about=about(modes),
        tables=[one for one in tables if one.lines], plots=[plot for plot in plots if plot],
        terms=[(form["name"], form["about"]) for form in modes["forms"]], notes=notes,
    )
