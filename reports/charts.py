"""Which charts a run has: latency and series of each load, the life of connections of each trace, wrk beside ours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import bench, files, latency, lives_plot, series, units
from .gnuplot import Plot, stem
from .verdicts import SHOWN_IN_FULL

MOST_LIVES = 200  # charts of connections in a report; more would be a page that nobody opens


@dataclass(frozen=True)
class Chart:
    """A chart, or in its stead the sentence that says why there is none."""

    kind: str  # latency, series, lives, bench
    scenario: str
    subject: str
    source: str  # the trace or folder that it was drawn from, as the results name it
    plot: Plot | None
    note: str = ""
    broken: bool = False  # the note tells of a bad file, not merely of nothing to draw


def _chart(kind: str, entry: dict[str, Any], source: str, draw: Callable[[], Plot | None], nothing: str) -> Chart:
    names = (kind, str(entry.get("scenario")), str(entry.get("subject")), source)
    try:
        plot = draw()
    except files.BadFile as error:
        return Chart(*names, None, f"{source}: {error}", broken=True)
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # well-formed, yet not what SCHEMA.md says
        return Chart(*names, None, f"{source} is not as its schema says: {type(error).__name__}: {error}", broken=True)
    return Chart(*names, plot, "" if plot else nothing)


def _of_load(folder: Path, load: dict[str, Any]) -> list[Chart]:
    source, title = str(load["dir"]), f"{load.get('scenario')} · {load.get('subject')}"
    name = source.removeprefix("load/")

    def draw_latency() -> Plot | None:
        curves = latency.curves_of_run(folder / source)
        return latency.plot(stem("latency", name), f"Latency: {title}", curves, f"server: {load.get('behaviour')}")

    def draw_series() -> Plot | None:
        rows = files.series(folder / source / "series.csv")
        return series.plot(stem("series", name), f"Reuse and new connections: {title}", rows)

    return [
        _chart("latency", load, source, draw_latency, "No latency to show: no request was answered."),
        _chart("series", load, source, draw_series, "No time series: the run ended before its first second was over."),
    ]


def _of_trace(folder: Path, trace: str, results: list[dict[str, Any]]) -> Chart:
    first = results[0]
    repeat = f" · repeat {first['repeat']}" if (first.get("repeat") or 1) > 1 else ""
    title = f"Life of connections: {first.get('scenario')} · {first.get('subject')}{repeat}"

    def draw() -> Plot | None:
        red = [lives_plot.Violation(str(result.get("clause")), result.get("violation_t"), result.get("violation_conn"))
               for result in results if _failing(result)]
        return lives_plot.plot(stem("lives", Path(trace).stem), title, files.trace(folder / trace), red)

    return _chart("lives", first, trace, draw, "No connection was opened.")


def _failing(result: dict[str, Any]) -> bool:
    return result.get("verdict") in SHOWN_IN_FULL


def _wanted(by_trace: dict[str, list[dict[str, Any]]]) -> list[str]:
    """The trace of each first repeat and of every repeat that did not pass; what fails comes first."""
    first: dict[tuple[str, str], str] = {}
    for trace, results in sorted(by_trace.items(), key=lambda item: item[1][0].get("repeat") or 1):
        first.setdefault((str(results[0].get("scenario")), str(results[0].get("subject"))), trace)
    failing = sorted(trace for trace, results in by_trace.items() if any(map(_failing, results)))
    return failing + sorted(set(first.values()) - set(failing))


def _lives(folder: Path, results: dict[str, Any]) -> list[Chart]:
    by_trace: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results.get("results") or []:
        if result.get("trace"):
            by_trace[str(result["trace"])].append(result)
    wanted = _wanted(by_trace)
    found = [_of_trace(folder, trace, by_trace[trace]) for trace in wanted[:MOST_LIVES]]
    if len(wanted) > MOST_LIVES:
        left = units.plural(len(wanted) - MOST_LIVES, "more trace")
        found.append(Chart("lives", "", "", "", None, f"{left} not drawn: at most {MOST_LIVES} are, those that fail first."))
    return found


def of(folder: Path, results: dict[str, Any]) -> list[Chart]:
    """Every chart of the run in `folder`; a bad input file costs its own chart only."""
    found = [chart for load in results.get("loads") or [] if load.get("dir") for chart in _of_load(folder, load)]
    found += _lives(folder, results)
    if results.get("bench"):
        try:
            found += [Chart("bench", "", "", "", plot) for plot in bench.plots(folder, results["bench"])]
        except files.BadFile as error:
            found.append(Chart("bench", "", "", "", None, str(error), broken=True))
    return found
