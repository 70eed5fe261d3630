"""A whole sweep: the same plan through several pools, against one server."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.measurement import now
from judge.progress import progress
from judge.project import Project
from judge.sweep.drive import gap_program, run_plan
from judge.sweep.origins import KINDS, origin
from judge.sweep.plan import Plan, around
from judge.sweep.samples import punctual
from judge.sweep.steps import count, window_of

LATE_MS = 1.0  # a pair whose idle time is known less exactly is left out


@dataclass(frozen=True)
class Pool:
    """A pool to be asked. idle_timeout_ms: its own; 0: for ever."""

    name: str
    idle_timeout_ms: float = 0
    watch: bool = True


@dataclass(frozen=True)
class Wish:
    """pairs: at each gap; rate: pairs that begin in a second."""

    kind: str
    timeout_ms: float
    pairs: int
    rate: float
    seed: int
    pools: Sequence[Pool]

    @property
    def plan(self) -> Plan:
        kind = KINDS[self.kind]
        gaps = around(self.timeout_ms, kind.closes_over_ms, kind.before_ms, kind.behind_ms, kind.step_ms)
        return Plan(gaps, self.pairs, self.rate, self.seed)


def measure(project: Project, wish: Wish) -> dict[str, Any]:
    """sweep__SERVER.json, "sweep/1" in reports/SCHEMA.md."""
    kind, plan = KINDS[wish.kind], wish.plan
    programs = [gap_program(project, pool.watch) for pool in wish.pools]
    found, started = [], now()
    with tempfile.TemporaryDirectory(prefix="poolspec-sweep-") as scratch, origin(
        project, kind, wish.timeout_ms, Path(scratch)
    ) as url:
        for number, (pool, program) in enumerate(zip(wish.pools, programs, strict=True), 1):
            told = f"{pool.name} ({number} of {len(programs)})"
            samples, lost = run_plan(
                program, url, plan, pool.idle_timeout_ms, progress=lambda share, told=told: progress(f"{told}: {share:4.0%}"),
            )
            kept = punctual(samples, LATE_MS)
            steps = count(kept, plan.gaps_ms)
            found.append({
                "name": pool.name, "watch": pool.watch, "idle_timeout_ms": pool.idle_timeout_ms or None, "lost": lost,
                "late": len(samples) - len(kept), "steps": [one.as_dict() for one in steps],
                "window": window_of(steps).as_dict() if len(steps) > 1 else None,
            })
    progress("")
    return {
        "schema": "sweep/1", "server": wish.kind, "title": kind.title, "option": kind.option, "timeout_ms": wish.timeout_ms,
        "started": started, "closes_over_ms": kind.closes_over_ms, "pairs": wish.pairs, "rate": wish.rate, "seed": wish.seed,
        "pools": found,
    }
