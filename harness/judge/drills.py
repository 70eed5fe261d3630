"""The drills of the pure core (harness/tests/drills/NAME.drill): golden scripts that harness/proof/drill.c plays in virtual time."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from judge.project import Project

BOUND_S = 60  # a drill is over in milliseconds; a core that is broken may never answer
ENDS = {0: "as expected", 1: "not as expected", 2: "no drill"}  # by the program's exit code; any other: it fell


@dataclass(frozen=True)
class Drill:
    path: Path
    clauses: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.stem


@dataclass(frozen=True)
class Played:
    how: str  # one of ENDS, or that the program fell or never ended
    said: str


def load_drills(project: Project) -> list[Drill]:
    """All of them, by name."""
    return [Drill(path, tuple(re.findall(r"^[ \t]*clause\b[ \t]*(.*?)[ \t]*$", path.read_text(), re.MULTILINE)))
            for path in sorted((project.root / "harness" / "tests" / "drills").glob("*.drill"))]


def play(project: Project, drill: Drill) -> Played:
    """On the core that the project's `drill` holds."""
    command = [project.program("drill"), os.path.relpath(drill.path, project.root)]
    try:
        ran = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False, timeout=BOUND_S)
    except subprocess.TimeoutExpired:
        return Played("no end", f"{drill.name}: the core did not answer within {BOUND_S} s")
    return Played(ENDS.get(ran.returncode, f"fell with {ran.returncode}"), (ran.stdout + ran.stderr).strip())
