"""The pure core in virtual time (harness/proof): millions of random steps, every interleaving of a small world, and proof that
both notice a pool that is broken."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from judge.project import Project
from judge.selftest import figures
from proof import coverage

PROJECT = Project.here()
ROOT = PROJECT.root
RUNS, STEPS = 1000, 10_000

# What is planted in which of the core's sources, and the rule that it breaks.
PLANTED = {
    "evicts-newest": (
        "pool.c", "end_idle(pool, oldest(o), POOL_REASON_EVICTED)", "end_idle(pool, newest(o), POOL_REASON_EVICTED)",
        "the least recently returned connection is evicted",
    ),
    "line-starves": (
        "pool.c", "    while (o->waiting && !is_full(o))\n", "    while (0)\n", "no waiter starves while a place is free",
    ),
    "last-come-first-served": (
        "pool.c", "OF(o->line.next, struct pool_ticket, line)", "OF(o->line.prev, struct pool_ticket, line)",
        "first come, first served",
    ),
    "no-look": (
        "pool.c", "> pool->config.look_again_ns;", "> pool->config.look_again_ns + UINT64_MAX / 2;",
        "looked at before it is handed out",
    ),
    "due-while-looked-at": (
        "pool.c", "conn->deadline_ns <= e->now_ns", "conn->deadline_ns <= e->ticket->polled_ns", "that is due is never handed out",
    ),
    "leak": ("keys.c", "    free(origin);", "    free(origin->idle ? origin : NULL);", "leaves no memory behind"),
    "assert": (
        "pool.c", "assert(conn->state == POOL_CONN_IN_USE);", "assert(conn->state != POOL_CONN_IN_USE);", "leave_use: conn->state",
    ),
}  # fmt: skip


def make(*targets: str) -> None:
    """One at a time: tests that run side by side build the same objects."""
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "proof.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(["make", "-s", *targets], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)


def test_ten_million_steps(record_property: Callable[[str, object], None]) -> None:
    make("build/release/sim")
    ran = run("build/release/sim", "--seeds", f"1-{RUNS}", "--steps", str(STEPS))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{RUNS} runs, {RUNS * STEPS} steps" in ran.stdout and "every rule held" in ran.stdout
    record_property(figures.STEPS, int(re.search(r"(\d+) steps per second", ran.stdout)[1]))


def test_under_the_sanitizers() -> None:
    make("VARIANT=san", "build/san/sim")
    ran = run("build/san/sim", "--seeds", "100001-100100")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_seed_gives_the_whole_run() -> None:
    make("build/release/sim")
    first, again = (run("build/release/sim", "--seed", "3", "--steps", "2000", "--trace").stdout.splitlines() for _ in range(2))
    assert first[:-1] == again[:-1] and len(first) > 2000  # the last line has the time that it took
    assert first[:-1] != run("build/release/sim", "--seed", "4", "--steps", "2000", "--trace").stdout.splitlines()[:-1]


def test_every_interleaving_of_a_small_world() -> None:
    make("build/release/explore")
    ran = run("build/release/explore", "12")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(re.search(r"(\d+) states", ran.stdout)[1]) > 50_000


@pytest.fixture(scope="module", params=PLANTED)
def broken(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """A copy of the core with a planted bug, built into both programs; and the rule that it breaks."""
    file, find, replace, rule = PLANTED[request.param]
    out = ROOT / "build" / "proof" / os.environ.get("PYTEST_XDIST_WORKER", "alone") / request.param  # two may be at it side by side
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(ROOT / "harness" / "pool", out / "pool")
    source = out / "pool" / file
    text = source.read_text()
    assert text.count(find) == 1, f"what is edited stands there {text.count(find)} times"
    source.write_text(text.replace(find, replace))
    where = out.relative_to(ROOT)
    make("proof")
    make(f"POOL_DIR={where}/pool", f"POOL_OUT={where}", f"{where}/sim", f"{where}/explore")
    return where, rule


def test_a_broken_core_is_convicted_replayed_and_shrunk(broken: tuple[Path, str]) -> None:
    where, rule = broken
    ran = run(where / "sim", "--seeds", "1-100")
    assert ran.returncode == 1 and rule in ran.stdout, ran.stdout + ran.stderr
    command = re.search(r"^replay: (.*)$", ran.stdout, re.MULTILINE)[1]
    again = run(*command.split())
    assert again.returncode == 1 and rule in again.stdout
    assert int(re.search(r"shrunk to (\d+) operations", ran.stdout)[1]) <= 20


def test_explore_finds_a_shortest_way(broken: tuple[Path, str]) -> None:
    where, rule = broken
    ran = run(where / "explore")
    if where.name == "evicts-newest":
        assert ran.returncode == 0, "two connections are too few for that one"
        return
    assert ran.returncode == 1 and rule in ran.stdout, ran.stdout + ran.stderr
    assert int(re.search(r"broken after (\d+) operations", ran.stdout)[1]) <= 10


def test_every_branch_of_the_core_is_taken(
    capsys: pytest.CaptureFixture[str], record_property: Callable[[str, object], None]
) -> None:
    make("coverage")
    counted = sorted((ROOT / "build/coverage").glob("*.gcda"))
    core = [path for path in counted if (ROOT / "harness/pool" / f"{path.stem}.c").exists()]
    assert coverage.main([str(path) for path in core]) == 0
    assert len(core) == 4
    record_property(figures.COVERAGE, re.search(r"core: (.* branches)", capsys.readouterr().out)[1])


def test_coverage_tells_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "pool.c").write_text("if (a)\n    assert(b);\nwhile (c)\n    f();\n")
    counted = {"files": [{"file": "x/pool.c", "lines": [
        {"line_number": 1, "branches": [{"count": 1}, {"count": 0}]},
        {"line_number": 2, "branches": [{"count": 1}, {"count": 0}]},
        {"line_number": 3, "branches": [{"count": 2}, {"count": 1}]},
        {"line_number": 4, "branches": []},
    ]}, {"file": "/usr/include/stdlib.h", "lines": [{"line_number": 9, "branches": [{"count": 0}]}]}]}  # fmt: skip
    covered = list(coverage.lines(counted, tmp_path))
    assert [line.number for line in covered] == [1, 3]
    a, c, gone = "pool.c: if (a)", "pool.c: while (c)", "keys.c: gone"
    assert coverage.missing(covered, {}) == [f"1 branch(es) never taken, 0 listed: {a}"]
    assert coverage.missing(covered, {a: 1}) == []
    assert coverage.missing(covered, {a: 1, c: 1}) == [f"0 branch(es) never taken, 1 listed: {c}"]
    assert coverage.missing(covered, {a: 1, gone: 1}) == [f"coverage.toml: no such line: {gone}"]
