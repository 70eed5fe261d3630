"""reports/results/full.md: what came of the long tests when each was last run. One row each; a row knows its own date and commit, so
that running a part of them loses nothing of the others."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

COLUMNS = ("part", "verdict", "figures", "took", "date", "commit", "cores")
HEAD = """# The long tests, as they last went

What `./run.sh test --full` runs beside the tests of every day; it writes this file. The commit is the one that was tested; + means with
changes that were not committed.
"""


@dataclass(frozen=True)
class Part:
    name: str
    verdict: str
    figures: str  # the last line that it printed, or how its failure begins
    took_s: float


def part_of(report: Any) -> Part:
    crash = getattr(report.longrepr, "reprcrash", None)  # an assertion's message, where it has one
    said = report.capstdout if report.passed else crash.message.partition("\n")[0] if crash else report.longreprtext
    verdict = {"passed": "pass", "failed": "fail", "skipped": "skipped"}[report.outcome]
    return Part(report.nodeid.rpartition("/")[2], verdict, (said.strip().splitlines() or [""])[-1], report.duration)


def write(path: Path, parts: list[Part]) -> None:
    """Puts the parts in place of their former rows."""
    date, commit, cores = datetime.now(UTC).strftime("%Y-%m-%d"), commit_of(path.parent), str(len(os.sched_getaffinity(0)))
    rows = read(path)
    for part in parts:
        cells = (part.name, part.verdict, part.figures, f"{part.took_s:.0f} s", date, commit, cores)
        rows[part.name] = tuple(cell.replace("|", "/") for cell in cells)
    table = [COLUMNS, ("---",) * len(COLUMNS), *(rows[name] for name in sorted(rows))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "\n" + "".join(f"| {' | '.join(row)} |\n" for row in table), encoding="utf-8")


def read(path: Path) -> dict[str, tuple[str, ...]]:
    if not path.exists():
        return {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]
    return {row[0]: row for row in rows if len(row) == len(COLUMNS)}


def commit_of(folder: Path) -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", "-C", str(folder.parent), *words], capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "-uno", "--", ".", ":!*full.md")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")
