"""The pages of what is measured beside the scenarios: `sweep`, `advise` and `compare-modes` leave a result file each in a run's
folder, KIND.json or KIND__WHICH.json, and its page is made of that file alone. The run's index links what is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import advise, files, gnuplot, markup, modes, sweep
from .content import Page

TEMPLATE = "page.html.j2"
KINDS = {"sweep": sweep, "advise": advise, "modes": modes}


@dataclass(frozen=True)
class Link:
    """What an index says of a page."""

    href: str
    title: str
    sentence: str


def _read(path: Path) -> tuple[Page, dict[str, Any]]:
    """Raises files.BadFile."""
    kind = path.stem.partition("__")[0]
    found = files.document(path, f"{kind}/1")
    try:
        return KINDS[kind].page(path.parent, found), found
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:  # well-formed, yet not what SCHEMA.md says
        raise files.BadFile(f"{path.name} is not as its schema says: {type(error).__name__}: {error}") from None


def build(path: Path) -> list[str]:
    """Draws the plots of a result file and writes its page beside it. Returns a sentence for each thing that is missing. Raises
    files.BadFile, and OSError where the folder cannot be written."""
    folder = path.parent
    page, found = _read(path)
    missing = list(page.notes)
    try:
        gnuplot.draw(page.plots, folder / "plots")
    except gnuplot.GnuplotError as error:
        missing.append(str(error))
    rendered = markup.templates().get_template(TEMPLATE).render(
        page=page, started=found.get("started"), data=path.name, notes=missing,
        pictures=[markup.picture(plot, folder) for plot in page.plots])
    path.with_suffix(".html").write_text(rendered, encoding="utf-8", errors="replace")
    return missing


def links(folder: Path) -> tuple[list[Link], list[str]]:
    """A link to every page in the folder, and a sentence for each result file that cannot be told about."""
    found, notes = [], []
    for path in sorted(path for path in folder.glob("*.json") if path.stem.partition("__")[0] in KINDS):
        page = path.with_suffix(".html")
        if not page.exists():
            continue
        try:
            told = _read(path)[0]
        except files.BadFile as error:
            notes.append(str(error))
            continue
        found.append(Link(markup.link(page.name), told.title, told.sentences[0]))
    return found, notes
