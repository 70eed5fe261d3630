"""Figures against bounds: what the load generator's and the server's books have in common."""

from __future__ import annotations

from typing import Any

from judge.trace.event import Finding


def compare(whose: str, figures: dict[str, Any], expect: dict[str, Any]) -> Finding:
    expected, seen, ok = [], [], True
    for path, bounds in expect.items():
        least, most = bounds if isinstance(bounds, list) else (bounds, bounds)
        value = dig(figures, path)
        expected.append(f"{path} = {least}" if least == most else f"{path} between {least} and {most}")
        seen.append(f"{path} = {value}")
        ok = ok and isinstance(value, (int, float)) and least <= value <= most
    return Finding(ok, f"{whose} " + ", ".join(expected), ", ".join(seen))


def dig(figures: Any, path: str) -> Any:
    """figures["a"]["b"] for "a.b"; lists by number; 0 for a key that a table of counts does not have; None where there is
    no such place."""
    head, _, rest = path.partition(".")
    if isinstance(figures, list):
        found = figures[int(head)] if head.isdigit() and int(head) < len(figures) else None
    elif isinstance(figures, dict):
        counts = all(type(value) is int for value in figures.values())
        found = figures.get(head, 0 if counts and not rest else None)
    else:
        found = None
    return dig(found, rest) if rest else found
