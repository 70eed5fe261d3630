"""Text that Markdown shows as it is. Names and messages come from whoever is judged, so none is trusted to be tame."""

from __future__ import annotations

import re


def escape(text: object) -> str:
    """On one line, with nothing left that means something to Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>|#~&])", r"\\\1", " ".join(str(text).split()))


def code(text: object) -> str:
    """Inline code that the text cannot end: fenced by more backticks than it holds."""
    flat = " ".join(str(text).split())
    fence = "`" * (max(map(len, re.findall("`+", flat)), default=0) + 1)
    return f"{fence} {flat} {fence}" if "`" in flat else f"{fence}{flat}{fence}"


def table(lines: list[list[str]], left: int) -> str:
    """Head and lines as a table, the first `left` columns flush left."""
    head, *body = [[escape(cell) for cell in line] for line in lines]
    rule = ["---" if at < left else "---:" for at in range(len(head))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *body])
