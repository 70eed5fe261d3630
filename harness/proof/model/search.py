"""Looks for a program on which a pool and the model part, and makes it small."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from judge.project import Project
from proof.model.play import Inconclusive, Parted, play
from proof.model.program import Program
from proof.model.shrink import shrink
from proof.model.strategies import programs

PATIENCE_MS = 5_000
SHRINKING_PATIENCE_MS = 300  # what has been missed once is not waited for as long again and again
SHRINKING_S = 60
ROUND = 50  # programs, of which each is made even when there is no time to play it


@dataclass
class Found:
    """What a search came to."""

    programs: int = 0
    steps: int = 0
    inconclusive: int = 0
    rounds: int = 0
    program: Program | None = None  # on which they part: the smallest
    story: str | None = None


def search(project: Project, start: int, programs_max: int, seconds: float, patience_ms: float = PATIENCE_MS) -> Found:
    """Plays up to `programs_max` random programs, the same ones for the same `start`, as far as the time allows."""
    found = Found()
    until = time.monotonic() + seconds
    while found.programs < programs_max and time.monotonic() < until and not found.program:
        play_round(project, start + found.rounds, min(ROUND, programs_max - found.programs), until, patience_ms, found)
    if found.program:
        make_small(project, found)
    return found


def play_round(project: Project, start: int, programs_max: int, until: float, patience_ms: float, found: Found) -> None:
    broken: list[Exception] = []

    @seed(start)
    @settings(max_examples=programs_max, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(programs())
    def one(program: Program) -> None:
        if time.monotonic() >= until or found.program or broken:
            return
        found.programs += 1
        found.steps += len(program.steps)
        try:
            play(project, program, patience_ms)
        except Inconclusive:
            found.inconclusive += 1
        except Parted as parted:
            found.program, found.story = program, str(parted)
        except Exception as err:  # ours or the machine's: not for hypothesis to try again
            broken.append(err)

    one()
    found.rounds += 1
    if broken:
        raise broken[0]


def make_small(project: Project, found: Found) -> None:
    until = time.monotonic() + SHRINKING_S

    def fails(program: Program) -> bool:
        if time.monotonic() >= until:
            return False
        try:
            play(project, program, SHRINKING_PATIENCE_MS)
        except Inconclusive:
            return False
        except Parted as parted:
            found.story = str(parted)
            return True
        return False

    found.program = shrink(found.program, fails)
