"""The reference pool, built with the sanitizers, meets every clause; and the catalogue of clauses has no holes."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from judge import checkers
from judge.project import PYTHON, Project
from judge.scenario import load_scenarios

PROJECT = Project.here("san")
SCENARIOS = load_scenarios(PROJECT)
# Cited by a scenario, or looked at on every trace.
SHOWN = {check.clause for scenario in SCENARIOS.values() for check in scenario.checks} | set(checkers.universal())
SOURCES = sorted((PROJECT.scenarios / "semantics" / "sources").glob("*.toml"))


def hello_of(program: str) -> dict[str, Any]:
    """The first line of a subject: who it is and what it has."""
    said = subprocess.run([PROJECT.program(program)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    return json.loads(said.splitlines()[0])


@pytest.mark.timeout(600)
def test_the_reference_passes_every_scenario(tmp_path: Path) -> None:
    ran = subprocess.run(
        [PYTHON, "-m", "judge", "scenario", "--variant", "san", "--strict", "--jobs", "2", "--out", tmp_path / "out", "--color", "never"],
        env={**os.environ, "PYTHONPATH": f"{PROJECT.root}/harness:{PROJECT.root}"},
        capture_output=True, text=True, check=False,
    )
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    judged = {result["scenario"] for result in results if result["verdict"] != "skipped"}
    features = set(hello_of("reference")["features"])
    assert judged >= {name for name, scenario in SCENARIOS.items() if "slow" not in scenario.tags and features >= set(scenario.needs)}


def test_there_are_as_many_as_promised() -> None:
    loads = [scenario for scenario in SCENARIOS.values() if scenario.load is not None]
    assert len(SCENARIOS) - len(loads) >= 25 and len(loads) >= 10


def test_every_clause_is_cited() -> None:
    assert not PROJECT.clauses.keys() - SHOWN


def test_what_must_not_be_reused_has_a_control() -> None:
    for name, scenario in SCENARIOS.items():
        if any(check.checker == "served_by" and "distinct" in check.params for check in scenario.checks):
            assert scenario.depends_on or any("same" in check.params for check in scenario.checks), name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_every_sentence_is_a_clause_or_says_why_not(path: Path) -> None:
    document = tomllib.loads(path.read_text())
    assert document["sentence"]
    for sentence in document["sentence"]:
        assert bool(sentence.get("clauses")) != bool(sentence.get("not_checkable")), sentence["text"]
        assert set(sentence.get("clauses", ())) <= PROJECT.clauses.keys(), sentence["text"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_the_checkable_sentences_are_shown_by_scenarios(path: Path) -> None:
    document = tomllib.loads(path.read_text())
    assert {clause for sentence in document["sentence"] for clause in sentence.get("clauses", ())} <= SHOWN


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_paraphrase_says_where_each_sentence_stands(path: Path) -> None:
    """Either every sentence is verbatim, or each says its place: none is left out, and they are in order."""
    document = tomllib.loads(path.read_text())
    places = [sentence["at"] for sentence in document["sentence"] if "at" in sentence]
    assert places in ([], [f"{document['title']}, {n}" for n in range(1, len(document["sentence"]) + 1)])
