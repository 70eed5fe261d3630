"""`./run.sh test` itself, run on small suites of its own."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from judge.clause_verdicts import agreement
from judge.project import PYTHON
from judge.selftest import figures
from judge_kit import environment

LONG = """
import pytest

def test_short():
    pass

@pytest.mark.full
@pytest.mark.parametrize("n", [1, 2])
def test_long(n):
    pass
"""


def run_suite(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A suite of one file, run as `./run.sh test` runs ours."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    full\n")
    (folder / "test_it.py").write_text(text)
    argv = [PYTHON, "-m", "pytest", "-c", "pytest.ini", "-p", "judge.selftest.plugin", "-n", "2", "-p", "no:cacheprovider", *options]
    return subprocess.run(argv, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60, check=False)


def test_long_tests_run_only_when_asked_for(tmp_path: Path) -> None:
    short = run_suite(tmp_path, LONG)
    assert short.returncode == 0 and "1 passed" in short.stdout
    assert "2 long tests were left out: ./run.sh test --full runs them, too" in short.stdout
    full = run_suite(tmp_path, LONG, "--full")
    assert full.returncode == 0 and "3 passed" in full.stdout and "left out" not in full.stdout


MEASURED = """
import pytest

@pytest.mark.parametrize("name", ["a", "b"])
def test_hunt(name, record_property):
    record_property("mutants", 3)
    record_property("hunt", [name, name == "a"])

@pytest.mark.full
def test_all_day(record_property):
    print("preparing")
    print("500 cases, none differs | so far")

@pytest.mark.full
def test_all_night():
    assert False, "it is morning"
"""


def test_the_figures_are_those_of_the_tests_that_ran(tmp_path: Path) -> None:
    ran = run_suite(tmp_path, MEASURED).stdout
    assert "mutants killed:                   1 of 2 that were hunted, of 3\n" in ran
    assert "simulator:                        not measured\n" in ran
    assert "mutants killed:                   not measured\n" in run_suite(tmp_path, MEASURED, "-k", "all").stdout


def test_what_came_of_the_long_tests_is_kept(tmp_path: Path) -> None:
    kept = tmp_path / "results" / "full.md"
    run_suite(tmp_path, MEASURED, "--full", "--record", str(kept))
    rows = [line.split(" | ") for line in kept.read_text().splitlines() if line.startswith("| test_it")]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("| test_it.py::test_all_day", "pass", "500 cases, none differs / so far"),
        ("| test_it.py::test_all_night", "fail", "AssertionError: it is morning"),
    ]
    run_suite(tmp_path, MEASURED.replace("assert False", "assert True"), "--full", "--record", str(kept), "-k", "night")
    after = [line.split(" | ")[:2] for line in kept.read_text().splitlines() if line.startswith("| test_it")]
    assert after == [["| test_it.py::test_all_day", "pass"], ["| test_it.py::test_all_night", "pass"]], "the other row stays"


ENDED = """
import tempfile, time
from pathlib import Path

def test_it():
    folder = Path(tempfile.mkdtemp())
    Path("where").write_text(str(folder))
    time.sleep(1000)
"""


def test_one_that_is_ended_leaves_nothing_that_is_temporary(tmp_path: Path) -> None:
    (tmp_path / "test_ended.py").write_text(ENDED)
    (scratch := tmp_path / "scratch").mkdir()
    argv = [PYTHON, "-m", "judge", "test", "--jobs", "1", str(tmp_path / "test_ended.py")]
    with subprocess.Popen(argv, cwd=tmp_path, env=environment(TMPDIR=str(scratch)), stdout=subprocess.DEVNULL) as process:
        while not (where := tmp_path / "where").exists() or not where.read_text():
            assert process.poll() is None
            time.sleep(0.01)
        process.terminate()
        assert process.wait() == 130
    assert scratch in Path(where.read_text()).parents and [one.name[:7] for one in scratch.iterdir()] == ["pytest-"]


def test_the_lines() -> None:
    kinds = {"agree": ["a/a"] * 7, "differ": ["b/b"], "unknown": [], "skipped": ["c/c"] * 2}
    told = figures.lines([
        ("coverage", "100.0 % of 8 branches"), ("steps_per_second", 3_000_000), ("mutants", 1), ("hunt", ["a", True]),
        ("clauses", [9, 9]), ("judged", ["a/a", "b/b"]), ("judged", ["b/b", "c/c"]), ("agreement", kinds),
    ])  # fmt: skip
    assert [line.split(":", 1)[1].strip() for line in told] == [
        "100.0 % of 8 branches", "3,000,000 steps per second", "1 of 1",
        "covered by scenarios or tests: 9 of 9; judged by this run: 3", "7 clauses agree, 1 differ and are known, 2 skipped",
    ]  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs", "kind"), [
    ("pass", "pass", "agree"), ("pass", "fail", "unknown"), ("pass", "fail (known)", "differ"), ("pass", "skipped", "skipped"),
    ("observed", "observed", "agree"), ("pass", "advisory (known)", "differ"), ("pass", "inconclusive", "unknown"),
    ("fail (known)", "pass", "differ"),
])  # fmt: skip
def test_agreement(ours: str, theirs: str, kind: str) -> None:
    def result(subject: str, scenario: str, word: str) -> dict[str, object]:
        known = {"known": {"reason": "r"}} if word.endswith(" (known)") else {}
        return {"clause": "a/a", "subject": subject, "scenario": scenario, "verdict": word.split()[0]} | known

    rows = [result("r", "s/s", ours), result("o", "s/s", theirs), result("r", "s/alone", "pass"), result("o", "s/alone", "skipped")]
    assert [name for name, clauses in agreement(rows, "r", "o").items() if clauses] == [kind]
