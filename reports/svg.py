"""Makes a gnuplot SVG part of a page: no prolog, no id that another drawing has too, and the page's colours for its own."""

from __future__ import annotations

import re
from html import escape

from .palette import VARIABLES

_RGB = re.compile(r"rgb\(\s*(\d+),\s*(\d+),\s*(\d+)\)|#[0-9a-fA-F]{6}\b")


def _colour(match: re.Match[str]) -> str:
    literal = match.group(0) if match.group(1) is None else "#" + "".join(f"{int(part):02x}" for part in match.groups())
    name = VARIABLES.get(literal.lower())
    return f"var(--{name})" if name else match.group(0)


def _painted(tag: re.Match[str]) -> str:
    """Colours are replaced in attributes only, never in a text that happens to look like one."""
    return _RGB.sub(_colour, tag.group(0)).replace('"black"', '"var(--ink)"').replace(' font-family="sans-serif"', "")


def inline(svg: str, prefix: str, label: str) -> str:
    """`svg` as an element of an HTML page. `prefix` makes its ids unique, `label` is what a screen reader says."""
    body = svg[svg.index("<svg"):]
    body = re.sub(r"<title>Gnuplot</title>|<desc>.*?</desc>|<filter .*?</filter>", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^!/][^<]*?>", _painted, body)
    body = re.sub(r"(\bid=|href=)(['\"])(#?)", rf"\1\2\3{prefix}-", body)
    body = re.sub(r"url\((['\"]?)#", rf"url(\1#{prefix}-", body)
    body = re.sub(r"\n\s*", "\n", body).replace(' stroke-linecap="butt" stroke-linejoin="miter"', "")
    return body.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)
