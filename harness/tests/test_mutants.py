"""Every broken pool is convicted at the clause that it breaks, and the edits that break it still fit the pool's source."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from judge.errors import HarnessError
from judge.mutants import VARIANT, Edit, Mutant, build, hunt, load_mutants
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


def test_a_pool_that_is_not_broken_survives() -> None:
    same = Edit("keys.c", "#define BUCKETS_MIN 64u\n", "#define BUCKETS_MIN 64u\n")
    found = hunt(PROJECT, Mutant("unbroken", "nothing is wrong", "idle/fin-closes", (same,)))
    assert found.killed_by is None and found.seen.startswith("pass")


def test_an_edit_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(HarnessError, match="0 times, not once"):
        build(PROJECT, Mutant("unfit", "", "idle/fin-closes", (Edit("pool.c", "no such line\n", ""),)))
