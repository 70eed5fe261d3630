"""What the page of one measurement is made of; pages.py makes HTML and files of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from .gnuplot import Plot


@dataclass(frozen=True)
class Table:
    """Head and lines; the first `left` columns are text, the others figures."""

    lines: list[list[str]]
    left: int = 1
    heading: str = ""


@dataclass(frozen=True)
class Page:
    """The first sentence is the one that stands beside the link to the page. remarks: what has to be known of the figures; notes: what
    is missing."""

    title: str
    sentences: list[str]
    about: str
    tables: list[Table]
    plots: list[Plot]
    terms: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
