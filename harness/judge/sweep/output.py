"""What a sweep leaves, and what it shows meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from judge.project import Project
from judge.results import new_folder, write_json


def keep(project: Project, found: dict[str, Any], swept: dict[str, Any] | None, out: Path | None, name: str) -> Path:
    """The figures, and the plot of the sweep among them, in a folder."""
    from reports import gnuplot, sweep

    folder = out or new_folder(project.out)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / name, found)
    plot = sweep.plot(swept) if swept else None
    try:
        gnuplot.draw([plot] if plot else [], folder)
    except gnuplot.GnuplotError as err:
        print(f"sweep: {err}", file=sys.stderr)
    return folder


def progress(text: str) -> None:
    """The line that is overwritten, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
