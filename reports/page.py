"""index.html: the whole run on one page that needs no server, no network and, but for filter and sort, no script."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from . import bench, facts, files, headline, verdicts
from .charts import Chart
from .markup import link, picture, templates
from .pages import Link

FILES = ("results.json", "claims.json", "bench.json", "junit.xml", "summary.md", "traces", "load", "plots")
EXCERPT_FIELDS = ("t", "who", "ev", "conn")  # these have columns of their own


def _inlined(chart: Chart, folder: Path) -> Markup:
    """The chart's picture, or the sentence that stands in its stead."""
    if chart.plot is None:
        return Markup("<p class=note>{}</p>").format(chart.note)
    return picture(chart.plot, folder)


def _origin(folder: Path, result: dict[str, Any]) -> int:
    """The moment that times are told from: the trace's first; without a trace, the excerpt's first."""
    try:
        return files.first_time(folder / str(result["trace"]))
    except (KeyError, files.BadFile):
        return min((event["t"] for event in result.get("excerpt") or [] if isinstance(event.get("t"), int)), default=0)


def _plain(value: object) -> str:
    """As it stood in the trace, but without a string's quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _excerpt(result: dict[str, Any], origin: int) -> list[dict[str, Any]]:
    """The lines of the trace around the verdict; the violating moment is the one of the violating connection, if there is one."""
    moment, conn, lines = result.get("violation_t"), result.get("violation_conn"), []
    for event in result.get("excerpt") or []:
        t = event.get("t")
        more = [f"{name} {_plain(value)}" for name, value in event.items() if name not in EXCERPT_FIELDS and value is not None]
        lines.append({
            "time": f"{(t - origin) / 1e6:,.3f}" if isinstance(t, int) else "",
            "who": event.get("who", ""),
            "ev": event.get("ev", ""),
            "conn": f"c{event['conn']}" if event.get("conn") is not None else "",
            "rest": ", ".join(more),
            "violation": t is not None and t == moment and event.get("conn") in (None, conn or event.get("conn")),
        })
    return lines


def _failures(folder: Path, results: dict[str, Any], lives: dict[str, Chart]) -> list[dict[str, Any]]:
    """What was not met. The first of a trace carries its picture, the others point there."""
    shown, pictured = [], {}
    for number, entry in enumerate(verdicts.in_full(results), 1):
        result, trace = entry.result, str(entry.result.get("trace"))
        shown_here = None
        if trace in lives and trace not in pictured:
            pictured[trace] = number
            shown_here = _inlined(lives[trace], folder)
        shown.append({
            **result, "also": entry.also, "number": number, "picture": shown_here, "pictured": pictured.get(trace),
            "lines": _excerpt(result, _origin(folder, result)), "link": link(trace) if result.get("trace") else None,
        })
    return shown


def _loads(folder: Path, results: dict[str, Any], charts: list[Chart]) -> list[dict[str, Any]]:
    shown = []
    for load in results.get("loads") or []:
        try:
            lines = facts.of_run(folder / str(load.get("dir")))
        except (files.BadFile, AttributeError, TypeError, ValueError) as error:
            lines = [("run.json", f"not as its schema says: {error}")]
        own = [chart for chart in charts if chart.kind in ("latency", "series") and chart.source == load.get("dir")]
        shown.append({**load, "facts": lines, "pictures": [_inlined(chart, folder) for chart in own]})
    return sorted(shown, key=lambda load: (str(load.get("scenario")), str(load.get("subject"))))


def _lives(folder: Path, charts: list[Chart]) -> list[tuple[str, list[Markup]]]:
    """The other traces' pictures by scenario and subject; what belongs to none comes last."""
    groups: dict[str, list[Markup]] = defaultdict(list)
    for chart in charts:
        groups[f"{chart.scenario} · {chart.subject}" if chart.scenario else ""].append(_inlined(chart, folder))
    return sorted(groups.items(), key=lambda group: (not group[0], group[0]))


def _bench(folder: Path, results: dict[str, Any], charts: list[Chart]) -> dict[str, Any] | None:
    given = results.get("bench")
    if not given:
        return None
    return {"verdict": bench.verdict(given), "table": bench.table(given),
            "misbehaving": bench.misbehaving(given) if given.get("misbehaving") else None,
            "pictures": [_inlined(chart, folder) for chart in charts if chart.kind == "bench"]}


def html(folder: Path, results: dict[str, Any], charts: list[Chart], links: list[Link], notes: list[str]) -> str:
    """The page; links: to what was measured beside the scenarios. Whatever comes from the results is escaped by the template; only
    our own drawings and tables are markup."""
    lives = [chart for chart in charts if chart.kind == "lives"]
    failures = _failures(folder, results, {chart.source: chart for chart in lives if chart.source})
    told = {failure["trace"] for failure in failures if failure["picture"] is not None}
    return templates().get_template("index.html.j2").render(
        run=results,
        sentence=verdicts.sentence(results) if results or not links else "What was measured, without a run of scenarios.",
        links=links,
        claims=(folder / "claims.html").exists(),
        judged=bool(results.get("results")),
        good=verdicts.as_expected(results),
        about=verdicts.about(results),
        counts=verdicts.counts(results),
        signs=verdicts.SIGNS,
        subjects=verdicts.subjects(results),
        matrix=verdicts.matrix(results),
        headline=Markup(headline.html(results)),
        bench=_bench(folder, results, charts),
        failures=failures,
        loads=_loads(folder, results, charts),
        lives=_lives(folder, [chart for chart in lives if chart.source not in told]),
        notes=notes,
        files=[name for name in FILES if (folder / name).exists()],
    )
