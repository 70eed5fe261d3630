"""What every page is rendered with: the templates, links that can be nothing else, and pictures within the text."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from . import svg, units
from .gnuplot import Plot

TEMPLATES = Path(__file__).parent / "templates"


def templates() -> jinja2.Environment:
    """What renders a page; all that it is given is escaped, but for Markup."""
    loader = jinja2.FileSystemLoader(TEMPLATES)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["count"] = units.count
    return environment


def link(path: object) -> str:
    """A file of the run, as a relative address that can be nothing else."""
    return "./" + quote(str(path), safe="/")


def picture(plot: Plot, folder: Path) -> Markup:
    """What was drawn of it in the run's folder, as a part of a page."""
    name = plot.name
    try:
        drawn = (folder / "plots" / f"{name}.svg").read_text(encoding="utf-8")
    except OSError:
        return Markup("<p class=note>This chart was not drawn.</p>")
    inlined = Markup(svg.inline(drawn, name.replace(".", "_"), plot.title))
    return Markup('<figure>{}<figcaption><a href="{}">PNG</a> <a href="{}">SVG</a></figcaption></figure>').format(
        inlined, link(f"plots/{name}.png"), link(f"plots/{name}.svg"))
