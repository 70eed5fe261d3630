"""The drills: each is played on the pure core, stands for clauses that there are, and the player tells what is not as expected."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from judge.drills import Drill, load_drills, play
from judge.project import Project

PROJECT = Project.here("san")
DRILLS = load_drills(PROJECT)
HEAD = "# why\nclause reuse/counts\npool size=1\n"
OPEN = "0 checkout t1 a:1 -> connect t1\n0 connected t1 c1 -> nothing\n"


def test_there_are_drills() -> None:
    assert len(DRILLS) > 50


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_drill(drill: Drill) -> None:
    assert drill.clauses and not set(drill.clauses) - PROJECT.clauses.keys()
    played = play(PROJECT, drill)
    assert played.how == "as expected", played.said


def test_the_clauses_of_a_drill_are_read_whatever_the_blanks(tmp_path: Path) -> None:
    folder = tmp_path / "harness" / "tests" / "drills"
    folder.mkdir(parents=True)
    (folder / "b.drill").write_text("# no clause here\n clause  one/a \nclause\ttwo/b\nclause x y\nclause\n0 tick -> nothing\n")
    (folder / "a.drill").write_text("clause three/c")
    found = load_drills(Project(tmp_path))
    assert [(one.name, one.clauses) for one in found] == [("a", ("three/c",)), ("b", ("one/a", "two/b", "x y", ""))]


@pytest.fixture
def script(tmp_path: Path):
    """Plays a script: the exit code, and what was said of the script's line N behind "N: "."""

    def played(text: str) -> tuple[int, str]:
        path = tmp_path / "a.drill"
        path.write_text(text)
        ran = subprocess.run([PROJECT.program("drill"), path], capture_output=True, text=True, check=False, timeout=60)
        assert not ran.stderr
        return ran.returncode, ran.stdout.removeprefix(f"{path}:").removesuffix("0 of 1 drills as expected\n")

    return played


@pytest.mark.parametrize(
    ("step", "expected", "actual"),
    [
        ("+1ms checkin c1 quiet -> nothing", "nothing", "park c1"),
        ("+1ms checkin c1 quiet -> park c1, close c1 evicted", "park c1, close c1 evicted", "park c1"),
        ("+1ms checkin c1 data -> close c1 stray", "close c1 stray", "close c1 dubious"),
        ("+1ms checkin c1 quiet -> park c2", "park c2", "park c1"),
        ("+1ms tick -> connect t1", "connect t1", "nothing"),
        ("+1ms checkin c1 quiet timeout=4ms -> park c1; deadline 4ms", "deadline 4ms", "deadline 5ms"),
        ("+1ms checkin c1 quiet timeout=unlimited -> park c1; idle 1, deadline 1s", "deadline 1s", "deadline never"),
        ("+1ms checkin c1 quiet -> park c1; reused c1 1", "reused c1 1", "reused c1 0"),
        ("+1ms checkin c1 quiet -> park c1; no-pool c1", "no-pool c1", "has-pool c1"),
        ("+1ms tick -> nothing; keys 2", "keys 2", "keys 1"),
        ("+1ms tick -> nothing; in-use 2", "in-use 2", "in-use 1"),
        ("+1ms tick -> nothing; connecting 1", "connecting 1", "connecting 0"),
        ("+1ms tick -> nothing; waiting 1", "waiting 1", "waiting 0"),
        ("+1ms tick -> nothing; failures 1", "failures 1", "failures 0"),
    ],
)
def test_what_is_not_as_expected_is_told(script, step: str, expected: str, actual: str) -> None:
    code, said = script(HEAD + OPEN + step + "\n+1s tick -> connect t9\n")
    event = step.split(" ->")[0].split(maxsplit=1)[1]
    assert (code, said) == (1, f"6: {event}\n  expected: {expected}\n  actual:   {actual}\n")


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("+1ms checkin c1 quiet", "a step is: TIME EVENT -> ACTIONS"),
        ("+1ms checkin c1 quiet ->", "a word is missing"),
        ("+1ms checkin c1 quiet -> park c1;", "a word is missing"),
        ("+1ms -> nothing", "a word is missing"),
        ("+1ms checkin c1 quiet -> park c1,", "a word is missing"),
        ("+1ms chekin c1 quiet -> park c1", "no such word here (harness/proof/drill.h has them): chekin"),
        ("+1ms checkin c1 quiet -> prk c1", "no such word here (harness/proof/drill.h has them): prk"),
        ("+1ms checkin c1 quiet -> park c1; late 1", "no such word here (harness/proof/drill.h has them): late"),
        ("+1ms checkin t1 quiet -> park c1", "a connection is wanted, c0 to c15: t1"),
        ("+1ms checkin c16 quiet -> park c16", "a connection is wanted, c0 to c15: c16"),
        ("+1ms cancel -> nothing", "a ticket is wanted, t0 to t15: the line ends here"),
        ("+1ms checkin c1 nothing -> park c1", "what was seen is wanted: quiet, data, eof or error: nothing"),
        ("+1ms checkin c1 data -> close c1 rude", "a reason is wanted, one of pool_reason_text's: rude"),
        ("+1ms checkin c1 quiet -> park c1; idle none", "a number is wanted: none"),
        ("+1ms checkin c1 quiet size=0 -> park c1", "a size is at least 1: 0"),
        ("+1ms checkin c1 quiet backlog=1 -> park c1", "no such option here: backlog"),
        ("+1ms checkin c1 quiet out=1 -> park c1", "no such option here: out"),
        ("+1ms checkin c1 quiet now -> park c1", "this is one word too many: now"),
        ("+1ms checkin c1 quiet -> park c1 now", "this is one word too many: now"),
        ("+1ms checkout t2 size=1 -> connect t2", "a key is wanted: size=1"),
        ("+1 checkin c1 quiet -> park c1", "a time is wanted, such as 5ms: 1"),
        ("soon checkin c1 quiet -> park c1", "a time is wanted, such as 5ms: soon"),
        ("+18446744073709551615s tick -> nothing", "a time is wanted, such as 5ms: 18446744073709551615s"),
        ("+99999999999999999999ns tick -> nothing", "a time is wanted, such as 5ms: 99999999999999999999ns"),
        ("+1ms checkin c2 quiet -> park c2", "checkin: c2 is new, not in use"),
        ("+1ms readable c1 data -> close c1 stray", "readable: c1 is in use, not idle"),
        ("+1ms cancel t1 -> nothing", "cancel: t1 is free, not connecting or waiting"),
        ("+1ms probed t1 c1 quiet -> nothing", "probed: t1 is free, not looking"),
        ("+1ms tick -> nothing; has-pool c2", "has-pool: c2 is new, not in use or idle"),
        ("+1ms checkout t2 a:1 polled=2ms -> connect t2", "polled= lies ahead"),
        ("pool size=2", "the pool is configured once, before the first step"),
    ],
)
def test_what_is_no_drill_is_told(script, step: str, why: str) -> None:
    code, said = script(HEAD + OPEN + step + "\n")
    assert code == 2 and said.startswith(f"6: {why}"), said


def test_time_goes_forward_and_a_probe_is_answered_first(script) -> None:
    parked = HEAD + OPEN + "1ms checkin c1 quiet -> park c1\n"
    assert script(parked + "0 tick -> nothing\n") == (2, "7: time does not go back\n")
    looked = parked + "2ms checkout t1 a:1 polled=0 -> probe t1 c1\n"
    assert script(looked + "2ms tick -> nothing\n") == (2, "8: a probe is answered before anything else happens\n")
    assert script(looked + "2ms probed t1 c1 quiet -> reuse t1 c1\n")[0] == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# why\n" + OPEN, "2: a drill begins with its reason (#) and with the clause that it stands for"),
        ("clause reuse/counts\n" + OPEN, "2: a drill begins with its reason (#) and with the clause that it stands for"),
        (HEAD, "3: no step, and so nothing that could go wrong"),
        ("", "0: no step, and so nothing that could go wrong"),
        ("# why" + 600 * "y" + "\n", "1: a line of more than 510 bytes"),
        (HEAD.replace("size", "syze"), "3: no such option here: syze"),
    ],
)
def test_a_script_without_its_parts_is_no_drill(script, text: str, why: str) -> None:
    assert script(text) == (2, why + "\n")


def test_the_program_says_what_it_wants(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([PROJECT.program("drill"), *words], capture_output=True, text=True, check=False, timeout=60)

    helped = run("--help")
    assert helped.returncode == 0 and "example: build/san/drill" in helped.stdout
    assert run().returncode == 2 and "usage: drill FILE..." in run().stderr
    missing = run(str(tmp_path / "none.drill"))
    assert missing.returncode == 2 and "No such file or directory" in missing.stderr
