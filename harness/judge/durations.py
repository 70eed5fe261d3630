"""Durations as people write them: 75s, 1500ms, 2m. Everything is milliseconds inside."""

from __future__ import annotations

import argparse
import re

UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0, "h": 3_600_000.0}


def duration_ms(text: str) -> float:
    """More than 0; for argparse."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)", text.strip())
    value = float(found[1]) * UNITS[found[2]] if found else 0.0
    if not 0 < value <= 10 * 365 * 24 * 3_600_000.0:
        raise argparse.ArgumentTypeError(f'"{text}" is no duration: a number above 0 and a unit (us, ms, s, m, h), such as 75s or 1500ms')
    return value


def duration_or_0_ms(text: str) -> float:
    """0 too; for argparse."""
    return 0.0 if text.strip() == "0" else duration_ms(text)


def plain(ms: float) -> str:
    """The shortest way to write it: 75000 -> 75 s, 3600000 -> 1 h, 1.5 -> 1.5 ms, 0.02 -> 20 µs."""
    if ms >= UNITS["h"] and ms % UNITS["m"] == 0:
        return f"{ms / UNITS['h']:g} h"
    if ms >= 1000:
        return f"{round(ms / 1000, 3):g} s"
    return f"{round(ms, 3):g} ms" if ms >= 1 or ms == 0 else f"{ms * 1000:.3g} µs"
