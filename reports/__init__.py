"""How results become tables, charts and pages.

Reads only the files of a run (SCHEMA.md says what is in them); knows neither the judge nor the servers. What others call:

    reports.headline.rows / text / markdown / html     the one table
    reports.summary.text                               summary.md
    reports.bench.text                                 the load generator beside wrk
    reports.sweep / advise / modes .text               the tables of these commands
    reports.build                                      all of it, into the run's folder
    reports.build_page                                 the page of a sweep, an advice, a comparison of modes, and the folder's index
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

__all__ = ["build", "build_page"]


def build(out_dir: Path, results: dict[str, Any]) -> list[Path]:
    """Draw plots/*.svg and *.png, write index.html and summary.md into `out_dir`, and return what was written.

    `results` is the content of results.json, and the files that it names are in `out_dir`. A bad file or a missing gnuplot
    does not cost the rest of the report: it is said on standard error and on the page. Raises OSError where `out_dir` cannot
    be written.
    """
    from . import charts, claims, files, gnuplot, summary  # not before they are needed: the judge starts with every command

    found = charts.of(out_dir, results)
    notes = [chart.note for chart in found if chart.broken]
    written: list[Path] = []
    try:
        written += gnuplot.draw([chart.plot for chart in found if chart.plot], out_dir / "plots")
    except gnuplot.GnuplotError as error:
        notes.append(str(error))
        written += sorted(path for chart in found if chart.plot for path in gnuplot.complete(chart.plot, out_dir / "plots"))
    try:
        if documents := claims.load(out_dir):
            written.append(_write(out_dir / "claims.html", claims.html(documents, results)))
    except files.BadFile as error:
        notes.append(str(error))
    written.append(_write(out_dir / "summary.md", summary.text(results, notes)))
    written.append(_index(out_dir, results, found, notes))
    return written


def build_page(path: Path) -> None:
    """Make the page of what a sweep, an advice or a comparison of modes found out: its result file is `path`, the page and its
    plots come beside it, and the folder's index.html links it, be it that of a run or a new one. What cannot be drawn or read is
    said on standard error and on the page; where a run's results.json cannot, its index is left as it is. Raises OSError where the
    folder cannot be written."""
    from . import charts, files, pages

    run = path.parent / "results.json"
    try:
        _say(pages.build(path))
        results = files.document(run, "results/1") if run.exists() else {}
    except files.BadFile as error:
        _say([str(error)])
        return
    found = charts.of(path.parent, results)
    _index(path.parent, results, found, [chart.note for chart in found if chart.broken])


def _index(folder: Path, results: dict[str, Any], found: list[Any], notes: list[str]) -> Path:
    """found: the charts of the run."""
    from . import page, pages

    links, unread = pages.links(folder)
    notes = [*notes, *unread]
    _say(notes)
    return _write(folder / "index.html", page.html(folder, results, found, links, notes))


def _say(notes: list[str]) -> None:
    for note in notes:
        print(f"report: {note}", file=sys.stderr)


def _write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", errors="replace")  # a lone surrogate in somebody's message must not stop us
    return path
