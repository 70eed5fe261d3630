"""How figures are written for people: one place, so that console, page, summary and axes agree."""

from __future__ import annotations

NONE = "–"  # what stands where nothing was measured; never a zero


def count(value: float | None) -> str:
    """12345 -> 12,345"""
    return NONE if value is None else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """0.9987 -> 99.87 %. Only exactly everything is 100 % and only exactly nothing is 0 %."""
    if share is None:
        return NONE
    if share in (0, 1):
        return f"{share * 100:.0f} %"
    for digits in (1, 2, 3):
        text = f"{share * 100:.{digits}f}"
        if 0 < float(text) < 100:
            return f"{text} %"
    return "> 99.999 %" if share > 0.5 else "< 0.001 %"


def per_thousand(value: float | None) -> str:
    if value is None:
        return NONE
    return count(value) if value >= 100 or value == 0 else f"{value:.3g}"


def _scaled(value: float) -> tuple[float, str]:
    # 999.6 would round to 1000: it belongs to the next unit
    for unit, size in (("µs", 1), ("ms", 1_000)):
        if value < 999.5 * size:
            return value / size, unit
    return value / 1_000_000, "s"


def duration_us(value: float | None) -> str:
    """61 -> 61 µs, 1234 -> 1.23 ms, 2500000 -> 2.50 s: three digits, the unit that keeps them short; no digits below 1 µs."""
    if value is None:
        return NONE
    scaled, unit = _scaled(value)
    if unit == "µs":
        return f"{scaled:.3g} {unit}"
    return f"{scaled:,.0f} {unit}" if scaled >= 999.5 else f"{scaled:#.3g}".rstrip(".") + f" {unit}"


def round_us(value: float) -> str:
    """A round duration, as it stands at a tic: 2000 -> 2 ms"""
    scaled, unit = _scaled(value)
    return f"{scaled:g} {unit}"


def sentence(text: str) -> str:
    """Its first letter in upper case, and nothing else changed."""
    return text[:1].upper() + text[1:]


def plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def columns(lines: list[list[str]], left: int) -> str:
    """A table for the console: the first `left` columns flush left, the others flush right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) if at < left else cell.rjust(width)
                               for at, (cell, width) in enumerate(zip(line, widths, strict=True))).rstrip() for line in lines)
