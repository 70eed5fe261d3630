"""The reference pool, built with the sanitizers, meets every clause; and the catalogue of clauses has no holes."""

from __future__ import annotations

import ast
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from judge import checkers
from judge.clause_verdicts import agreement
from judge.network.namespace import NetNamespace, NotAllowed
from judge.project import PYTHON, Project
from judge.scenario import load_scenarios
from judge.selftest import figures
from judge.sources import Document

PROJECT = Project.here("san")
SCENARIOS = load_scenarios(PROJECT)
# Cited by a scenario, looked at on every trace, or shown by a test.
SHOWN = {check.clause for scenario in SCENARIOS.values() for check in scenario.checks} | set(checkers.universal())
SHOWN |= {clause.id for clause in PROJECT.clauses.values() if clause.test}


def hello_of(program: str) -> dict[str, Any]:
    """The first line of a subject: who it is and what it has."""
    said = subprocess.run([PROJECT.program(program)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    return json.loads(said.splitlines()[0])


@pytest.mark.timeout(900)
def test_the_reference_passes_every_scenario_and_ngx_lua_differs_as_known(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    ran = subprocess.run(
        [PYTHON, "-m", "judge", "scenario", "--subject", "reference,ngx_lua", "--variant", "san", "--strict", "--jobs", "4",
         "--out", tmp_path / "out", "--color", "never"],
        env={**os.environ, "PYTHONPATH": f"{PROJECT.root}/harness:{PROJECT.root}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    results = json.loads((tmp_path / "out" / "results.json").read_text())["results"]
    assert not [result for result in results if result["subject"] == "reference" and result.get("known")]
    judged = {result["scenario"] for result in results if result["subject"] == "reference" and result["verdict"] != "skipped"}
    features = set(hello_of("reference")["features"])
    wanted = {name: scenario for name, scenario in SCENARIOS.items() if "slow" not in scenario.tags and features >= set(scenario.needs)}
    if not namespaces_allowed(tmp_path):
        wanted = {name: scenario for name, scenario in wanted.items() if scenario.network is None}
    assert judged >= wanted.keys()
    record_property(figures.JUDGED, sorted({result["clause"] for result in results if result["verdict"] != "skipped"}))
    record_property(figures.AGREEMENT, agreement(results, "reference", "ngx_lua"))


def namespaces_allowed(folder: Path) -> bool:
    try:
        with NetNamespace(folder / "namespace.log"):
            return True
    except NotAllowed:
        return False


def test_there_are_as_many_as_promised() -> None:
    loads = [scenario for scenario in SCENARIOS.values() if scenario.load is not None]
    assert len(SCENARIOS) - len(loads) >= 25 and len(loads) >= 10


def test_every_clause_is_cited(record_property: Callable[[str, object], None]) -> None:
    record_property(figures.CLAUSES, [len(PROJECT.clauses), len(PROJECT.clauses.keys() & SHOWN)])
    assert not PROJECT.clauses.keys() - SHOWN


def test_what_must_not_be_reused_has_a_control() -> None:
    for name, scenario in SCENARIOS.items():
        if any(check.checker == "served_by" and "distinct" in check.params for check in scenario.checks):
            assert scenario.depends_on or any("same" in check.params for check in scenario.checks), name


@pytest.mark.parametrize("document", PROJECT.documents, ids=lambda document: document.name)
def test_the_checkable_sentences_are_shown(document: Document) -> None:
    """That each sentence has clauses or the reason why not is looked at when the file is read."""
    assert {clause for sentence in document.sentences for clause in sentence.clauses} <= SHOWN


def test_the_tests_that_show_claims_exist() -> None:
    for clause in PROJECT.clauses.values():
        if clause.test:
            name, _, function = clause.test.partition("::")
            path = PROJECT.root / "harness" / "tests" / name
            assert path.is_file(), f"{clause.id}: there is no {clause.test}"
            functions = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
            assert function.partition("[")[0] in functions, f"{clause.id}: there is no {clause.test}"


def test_what_a_document_claims_is_in_its_index() -> None:
    for document in PROJECT.documents:
        indexed = {clause for sentence in document.sentences for clause in sentence.clauses}
        own = {clause.id for clause in PROJECT.clauses.values() if clause.level == "claim" and document.public_name in clause.source}
        assert own <= indexed, f"{document.name}: no sentence has these claims"
