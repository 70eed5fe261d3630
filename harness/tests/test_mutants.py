"""Every broken pool is convicted at the clause that it breaks, and the edits that break it still fit the pool's source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from judge.drills import Drill
from judge.errors import HarnessError
from judge.mutants import (
    DRILL,
    VARIANT,
    Edit,
    Hunt,
    Mutant,
    breaks_core,
    build,
    convicted_clean,
    drill,
    hunt,
    hunt_by_scenarios,
    load_mutants,
)
from judge.project import Project
from judge.selftest import figures

PROJECT = Project.here(VARIANT)
MUTANTS = load_mutants(PROJECT)
FIRST = {"no-idle-watch", "evicts-newest", "evicts-by-age", "timeout-ignored", "dubious-ignored", "size-of-last-caller", "object-left-open"}


def test_the_first_mutants_are_here() -> None:
    assert {mutant.name for mutant in MUTANTS} >= FIRST


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_is_killed(mutant: Mutant, record_property: Callable[[str, object], None]) -> None:
    found = hunt(PROJECT, mutant)
    record_property(figures.MUTANTS, len(MUTANTS))
    record_property(figures.HUNT, [mutant.name, found.killed_by is not None])
    assert found.killed_by, f"{mutant.name} survives at {mutant.clause}: {found.seen}"


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_scenarios_alone_kill_what_a_drill_kills_first() -> None:
    """Of another pool nothing but the wire is known: what the drills find here, the scenarios must find there."""
    core = [replace(mutant, name=f"{mutant.name}-by-scenarios") for mutant in MUTANTS if breaks_core(mutant)]
    found = [hunt_by_scenarios(PROJECT, mutant) for mutant in core]
    print(f"{sum(one.killed_by is not None for one in found)} of {len(core)} mutants of the core killed by scenarios")
    assert not [f"{one.mutant.name}: {one.seen}" for one in found if not one.killed_by]


def core_mutant(name: str, clause: str, *edits: tuple[str, str]) -> Mutant:
    return Mutant(name, "", clause, tuple(Edit("pool.c", find, instead) for find, instead in edits))


def test_a_broken_core_is_killed_by_a_drill_of_its_clause() -> None:
    newest = ("end_idle(pool, oldest(o), POOL_REASON_EVICTED)", "end_idle(pool, newest(o), POOL_REASON_EVICTED)")
    found = drill(PROJECT, core_mutant("newest", "eviction/least-recently-returned", newest))
    assert found.killed_by == "drill eviction-the-least-recently-returned-goes"
    assert "expected: close c2 evicted, park c3" in found.seen and "actual:   close c1 evicted, park c3" in found.seen
    assert drill(PROJECT, core_mutant("newest", "key/other-port", newest)).killed_by is None  # the clause that it breaks is another
    assert drill(PROJECT, core_mutant("newest", "io/read-timeout", newest)).seen == "no drill is about its clause"


def test_a_core_that_falls_proves_nothing() -> None:
    falls = ("    leave_use(pool, conn);\n    pool->stats.checkins++;", "    assert(!conn);\n    pool->stats.checkins++;")
    found = drill(PROJECT, core_mutant("falls", "eviction/least-recently-returned", falls))
    assert found.killed_by is None and "fell with -6" in found.seen


def test_a_drill_that_convicts_the_clean_pool_has_shown_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "wrong.drill"
    path.write_text("# wrong\nclause reuse/counts\n0 tick -> connect t1\n")
    killed = Hunt(core_mutant("clean", "reuse/counts"), f"{DRILL}size-counts-what-is-idle-only", "")
    assert convicted_clean(PROJECT, killed) is None
    monkeypatch.setattr("judge.mutants.all_drills", lambda project: [Drill(path, ("reuse/counts",))])
    assert convicted_clean(PROJECT, replace(killed, killed_by=f"{DRILL}wrong")).startswith("drill wrong convicts the pool that is not")


def test_a_pool_that_is_not_broken_survives() -> None:
    same = Edit("keys.c", "#define BUCKETS_MIN 64u\n", "#define BUCKETS_MIN 64u\n")
    found = hunt(PROJECT, Mutant("unbroken", "nothing is wrong", "idle/fin-closes", (same,)))
    assert found.killed_by is None and found.seen.startswith("pass")


def test_an_edit_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(HarnessError, match="0 times, not once"):
        build(PROJECT, Mutant("unfit", "", "idle/fin-closes", (Edit("pool.c", "no such line\n", ""),)))
