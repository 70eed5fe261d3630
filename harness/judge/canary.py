"""The canary: one pool that is known to be broken is judged beside whatever an ordinary run judges. Where the judge finds nothing wrong
with it, its word on the others is worth nothing either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from judge.mutants import REST, Mutant, about, chase, kept, read_mutant
from judge.project import REFERENCE, Project
from judge.scenario import Scenario

NAME = "key-ignores-port"  # a request that reaches the wrong server: plain to see on the wire, and in a fifth of a second
MADE_FROM = ("release", "san")


def mutant(project: Project) -> Mutant:
    return read_mutant(project.root / "harness" / "proof" / "mutants" / f"{NAME}.toml", project)


def judge_canary(project: Project, known: dict[str, Scenario]) -> dict[str, Any]:
    """known: all scenarios. Returns the canary, the clause that it breaks, and the scenario that `caught` it there, or None and what was
    `seen`."""
    one = mutant(project)
    found = chase(hatched(project, one), one, about(known.values(), one.clause))
    return {"name": one.name, "clause": one.clause, "caught": found.killed_by, "seen": found.seen}


def hatched(project: Project, one: Mutant) -> Project:
    """The canary's programs."""
    variant = project.variant if project.variant in MADE_FROM else MADE_FROM[0]
    return kept(project, one, Path("canary") / f"{variant}-{one.name}", variant, REFERENCE, REST)
