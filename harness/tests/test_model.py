"""The pool against the model of its contract: the same random programs on both. And the model is no yes-man: it parts from pools that are
broken on purpose, and says so in a program that a reader can follow. `python3 -m proof.model --help` plays for as long as one likes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from judge.mutants import VARIANT, build, load_mutants
from judge.project import Project
from proof.model.model import Model
from proof.model.program import Act, Batch, Program, command
from proof.model.search import search
from proof.model.shrink import shrink
from proof.model.things import Address

PROJECT = Project.here(VARIANT)
SECONDS, LONG_SECONDS = 40, 600
BROKEN = ("evicts-newest", "no-idle-watch", "size-of-last-caller", "dubious-ignored")
SERVER = Address("127.0.0.1:80")


def agree(seconds: int, start: int) -> None:
    found = search(PROJECT, start=start, programs_max=seconds * 10, seconds=seconds)
    parted = "one parts" if found.story else "none parts"
    print(f"{found.programs} programs of {found.steps} steps, {parted} from the model, {found.inconclusive} inconclusive")
    assert not found.story, found.story
    assert found.programs - found.inconclusive >= 10


@pytest.mark.timeout(SECONDS + 120)
def test_the_pool_and_its_model_agree() -> None:
    agree(SECONDS, start=1)


@pytest.mark.full
@pytest.mark.timeout(LONG_SECONDS + 120)
def test_the_pool_and_its_model_agree_for_ten_minutes() -> None:
    agree(LONG_SECONDS, start=1001)


@pytest.mark.parametrize("name", BROKEN)
def test_the_model_parts_from_a_broken_pool(name: str) -> None:
    mutant = next(mutant for mutant in load_mutants(PROJECT) if mutant.name == name)
    broken = build(PROJECT, replace(mutant, name=f"model-{name}"))  # a folder of its own: others build mutants, too
    found = search(broken, start=1, programs_max=400, seconds=90, patience_ms=1_000)
    assert found.story, f"{found.programs} programs say nothing against {name}"
    assert len(found.program.steps) <= 12, found.story
    lines = [line.split(" < ", 1)[1] for line in found.story.splitlines() if line.startswith(("server ", "subject "))]
    assert {json.loads(line)["op"] for line in lines} >= {"listen", "configure", "connect"}


def test_shrinking_leaves_what_matters() -> None:
    keep = command("close", "c")
    batch = Batch((command("stop"), keep, command("get", "a")), Act("a", "fin"))
    program = Program(2, 0, (*(command("get", "a") for _ in range(20)), batch, *(command("get", "b") for _ in range(9))))
    found = shrink(program, lambda candidate: "close c" in " ".join(map(str, candidate.steps)))
    assert found.steps == (keep,)


def model_with(*socks: str, **options: int) -> Model:
    """A model whose objects have connected, in this order."""
    model = Model(max_idle=2)
    for call, sock in enumerate(socks, 1):
        model.connect(call, sock, SERVER, **options)
        model.turn()
    return model


def test_the_model_gives_the_latest_and_evicts_the_earliest() -> None:
    model = model_with("a", "b", "c")
    first, second, third = (model.objects[sock].conn for sock in "abc")
    for call, sock in enumerate("abc", 10):
        model.setkeepalive(call, sock)
    assert model.closed == [first] and model.all_idle() == [second, third]
    model.connect(20, "d", SERVER)
    assert model.answers[20]["conn"] is third and model.answers[20]["reused"] == 1


def test_the_model_serves_the_line_in_order() -> None:
    model = model_with("a", "b", "c", "d", pool_size=1, backlog=2)
    assert model.answers[4]["err"] == ("too many waiting connect operations",)
    model.setkeepalive(10, "a")
    model.turn()
    assert model.answers[2]["reused"] == 1 and 3 not in model.answers
    model.close(11, "b")
    model.turn()
    assert model.answers[3]["reused"] == 0


def test_the_models_pool_is_gone_with_its_last_connection() -> None:
    model = model_with("a")
    model.setkeepalive(10, "a", timeout_ms=50, size=1)
    model.now = 50
    model.turn()
    assert model.stats() == {}
    model.connect(11, "a", SERVER, pool_size=3)
    model.turn()
    assert model.stats()[SERVER.text]["size"] == 3


def test_settimeouts_is_not_about_a_connect_that_waits_in_line() -> None:
    model, deaf = Model(max_idle=2), Address("127.0.0.1:81", deaf=True)
    model.connect(1, "a", deaf, pool_size=1, backlog=1)
    model.connect(2, "b", deaf)
    model.settimeouts(3, "b", connect_ms=80)
    model.cancel(4, 1)
    model.turn()
    model.now = 80
    model.turn()
    assert 2 not in model.answers
