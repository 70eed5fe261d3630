"""The pure core in virtual time (harness/proof): millions of random steps, every interleaving of a small world, and proof that
both notice a pool that is broken. What they print is kept in build/proof/ for whoever sums up."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from judge.project import Project
from proof import coverage

PROJECT = Project.here()
ROOT = PROJECT.root
RUNS, STEPS = 1000, 10_000

# What is planted, where, and the rule that it breaks.
PLANTED = {
    "evicts-newest": (
        "end_idle(pool, oldest(o), POOL_REASON_EVICTED)", "end_idle(pool, newest(o), POOL_REASON_EVICTED)",
        "the least recently returned connection is evicted",
    ),
    "line-starves": ("    while (o->waiting && !is_full(o))\n", "    while (0)\n", "no waiter starves while a place is free"),
    "last-come-first-served": (
        "OF_LINK(o->line.next, struct pool_ticket, line)", "OF_LINK(o->line.prev, struct pool_ticket, line)",
        "first come, first served",
    ),
    "no-look": (
        "> pool->config.look_again_ns;", "> pool->config.look_again_ns + UINT64_MAX / 2;", "looked at before it is handed out",
    ),
    "leak": (
        "    pool->origin_count--;\n    free(o);", "    pool->origin_count--;\n    free(o->idle ? o : NULL);",
        "leaves no memory behind",
    ),
    "assert": ("assert(conn->state == POOL_CONN_IN_USE);", "assert(conn->state != POOL_CONN_IN_USE);", "leave_use: conn->state"),
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


def keep(name: str, text: str) -> None:
    out = ROOT / "build" / "proof"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.txt").write_text(text)
    print(text)


def test_ten_million_steps() -> None:
    make("build/release/sim")
    ran = run("build/release/sim", "--seeds", f"1-{RUNS}", "--steps", str(STEPS))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{RUNS} runs, {RUNS * STEPS} steps" in ran.stdout and "every rule held" in ran.stdout
    keep("sim", ran.stdout)


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
    keep("explore", ran.stdout)


@pytest.fixture(scope="module", params=PLANTED)
def broken(request: pytest.FixtureRequest) -> tuple[Path, str]:
    """A copy of the core with a planted bug, built into both programs; and the rule that it breaks."""
    find, replace, rule = PLANTED[request.param]
    out = ROOT / "build" / "proof" / request.param
    shutil.rmtree(out, ignore_errors=True)
    (out / "pool").mkdir(parents=True)
    for name in ("pool.c", "pool.h"):
        text = (ROOT / "harness" / "pool" / name).read_text()
        assert name == "pool.h" or text.count(find) == 1, f"what is edited stands there {text.count(find)} times"
        (out / "pool" / name).write_text(text.replace(find, replace) if name == "pool.c" else text)
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


def test_every_branch_of_the_core_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    make("coverage")
    assert coverage.main([str(ROOT / "build/coverage/pool.gcda")]) == 0
    keep("coverage", capsys.readouterr().out)


def test_coverage_tells_what_is_missing() -> None:
    source = "if (a)\n    assert(b);\nwhile (c)\n    f();\n"
    counted = {"files": [{"file": "x/pool.c", "lines": [
        {"line_number": 1, "branches": [{"count": 1}, {"count": 0}]},
        {"line_number": 2, "branches": [{"count": 1}, {"count": 0}]},
        {"line_number": 3, "branches": [{"count": 2}, {"count": 1}]},
        {"line_number": 4, "branches": []},
    ]}]}  # fmt: skip
    covered = coverage.lines(counted, source)
    assert [line.number for line in covered] == [1, 3]
    assert coverage.missing(covered, {}) == ["pool.c: 1 branch(es) never taken, 0 listed: if (a)"]
    assert coverage.missing(covered, {"if (a)": 1}) == []
    assert coverage.missing(covered, {"if (a)": 1, "while (c)": 1}) == ["pool.c: 0 branch(es) never taken, 1 listed: while (c)"]
    assert coverage.missing(covered, {"if (a)": 1, "gone": 1}) == ["coverage.toml: no such line in pool.c: gone"]
