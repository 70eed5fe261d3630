"""Reads the files of a run. Whatever is wrong with one is said in one sentence that names it (BadFile)."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERIES_COLUMNS = ("second", "requests", "ok", "failed", "reused", "opened", "p50_us", "p99_us")


class BadFile(Exception):
    """One sentence that names the file and what is wrong with it."""


@dataclass(frozen=True)
class Histogram:
    """A .hgrm file: (percentile 0..1, value in µs), ascending; empty where nothing was recorded."""

    points: list[tuple[float, float]]
    count: int


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadFile(f"{path.name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadFile(f"{path.name} is not UTF-8 text") from None


def document(path: Path, schema: str | None = None) -> dict[str, Any]:
    """A JSON object; of another schema than asked for, it is refused rather than guessed at."""
    try:
        value = json.loads(_text(path))
    except ValueError as error:
        raise BadFile(f"{path.name} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadFile(f"{path.name} is not a JSON object")
    if schema is not None and value.get("schema") != schema:
        raise BadFile(f"{path.name} has schema {value.get('schema')!r}; this report reads {schema!r}")
    return value


def histogram(path: Path) -> Histogram:
    """A text file in HdrHistogram's percentile format (Value Percentile TotalCount 1/(1-Percentile))."""
    points: list[tuple[float, float]] = []
    total = 0
    for number, line in enumerate(_text(path).splitlines(), 1):
        fields = line.split()
        if not fields or fields[0] == "Value" or line.startswith("#"):
            continue
        try:
            value, share, total = float(fields[0]), float(fields[1]), int(fields[2])
        except (ValueError, IndexError):
            raise BadFile(f"{path.name} line {number} is no percentile line: {line.strip()[:60]!r}") from None
        if not (math.isfinite(value) and 0 <= share <= 1):
            raise BadFile(f"{path.name} line {number} has a value or a percentile out of range: {line.strip()[:60]!r}")
        points.append((share, value))
    return Histogram(points, total) if total else Histogram([], 0)


def series(path: Path) -> list[dict[str, float | None]]:
    """The rows of series.csv, one a second; an empty field is None."""
    reader = csv.DictReader(_text(path).splitlines())
    missing = [name for name in SERIES_COLUMNS if name not in (reader.fieldnames or [])]
    if missing:
        raise BadFile(f"{path.name} lacks the column {missing[0]}")
    rows = []
    for row in reader:
        try:
            rows.append({name: None if row[name] == "" else float(row[name]) for name in SERIES_COLUMNS})
        except (ValueError, TypeError):
            raise BadFile(f"{path.name} line {reader.line_num} holds something that is not a number") from None
    return rows


def trace(path: Path) -> list[dict[str, Any]]:
    """The events of a trace in time order. A last line that was cut off (the run was killed) is dropped."""
    text = _text(path)
    lines = text.split("\n")
    events = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError:
            if number == len(lines):
                break
            raise BadFile(f"{path.name} line {number} is not JSON") from None
        if not isinstance(event, dict):
            raise BadFile(f"{path.name} line {number} is not a JSON object")
        if not isinstance(event.get("t", 0), int):
            raise BadFile(f"{path.name} line {number} has a moment that is no integer")
        events.append(event)
    return sorted(events, key=lambda event: event.get("t", 0))


def first_time(path: Path) -> int:
    """The moment at which a trace begins."""
    try:
        with path.open(encoding="utf-8") as lines:
            return int(json.loads(lines.readline())["t"])
    except OSError as error:
        raise BadFile(f"{path.name} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise BadFile(f"{path.name} does not begin with an event") from None
