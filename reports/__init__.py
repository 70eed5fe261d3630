"""How results become tables, charts and pages.

Reads only the files of a run (SCHEMA.md says what is in them); knows neither the judge nor the servers. What others call:

    reports.headline.rows / text / markdown / html     the one table
    reports.summary.text                               summary.md
    reports.bench.text                                 the load generator beside wrk
    reports.build                                      all of it, into the run's folder
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

__all__ = ["build"]


def build(out_dir: Path, results: dict[str, Any]) -> list[Path]:
    """Draw plots/*.svg and *.png, write index.html and summary.md into `out_dir`, and return what was written.

    `results` is the content of results.json, and the files that it names are in `out_dir`. A bad file or a missing gnuplot
    does not cost the rest of the report: it is said on standard error and on the page. Raises OSError where `out_dir` cannot
    be written.
    """
    from . import charts, claims, gnuplot, page, summary  # not before they are needed: the judge starts with every command

    found = charts.of(out_dir, results)
    notes = [chart.note for chart in found if chart.broken]
    written: list[Path] = []
    try:
        written += gnuplot.draw([chart.plot for chart in found if chart.plot], out_dir / "plots")
    except gnuplot.GnuplotError as error:
        notes.append(str(error))
        written += sorted(path for chart in found if chart.plot for path in gnuplot.complete(chart.plot, out_dir / "plots"))
    for note in notes:
        print(f"report: {note}", file=sys.stderr)
    texts = {"summary.md": summary.text(results, notes), "index.html": page.html(out_dir, results, found, notes)}
    if claims.load(out_dir):
        texts["claims.html"] = claims.html(out_dir, results, page.TEMPLATES)
    for name, text in texts.items():
        path = out_dir / name
        path.write_text(text, encoding="utf-8", errors="replace")  # a lone surrogate in somebody's message must not stop us
        written.append(path)
    return written
