"""Whatever fails below the reference and the load generator: memory, system calls, descriptors (harness/proof/faults)."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from proof.faults import ground, points, walk

FAULTS = Path(walk.__file__).parent
SIDE_BY_SIDE = 4
# Calls that our programs make and that are not made to fail, with the reason.
NOT_FAILED = {
    "clock_gettime", "getpid", "getppid", "getrlimit", "setrlimit", "prctl", "signal", "sigprocmask", "sigtimedwait", "isatty", "kill",
    "munmap", "nanosleep", "wait4", "_exit", "sigemptyset", "sigaddset",  # none of them has a plausible error as we call them
    "timerfd_settime",  # only bad arguments
    "accept4", "bind", "listen",  # the servers'
    "fopen", "fclose", "fflush", "fprintf", "fputc", "fwrite", "printf", "putc", "puts", "ferror", "mkdir",  # test_load_program.py
}  # fmt: skip


@pytest.mark.parametrize("name", ground.ALL)
def test_a_sample_of_places(name: str) -> None:
    findings = walk.walk([name], full=False, jobs=SIDE_BY_SIDE)
    print(findings.summary())
    assert findings.wrong == []
    assert findings.runs > 60 and findings.idle < findings.runs / 10, findings.summary()


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ground.ALL)
def test_each_place_with_each_error(name: str) -> None:
    findings = walk.walk([name], full=True, jobs=SIDE_BY_SIDE)
    print(findings.summary())
    assert findings.wrong == []


def calls_of(*folders: str) -> set[str]:
    """What the programs' own objects call that they do not define: system calls and the C library."""
    ground.build()
    objects = [str(path) for folder in folders for path in (ground.PROJECT.build / folder).glob("*.o")]
    assert objects
    listed = subprocess.run(["nm", "-u", *objects], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^ +U (\w+)$", listed, re.MULTILINE))


def test_no_system_call_is_forgotten() -> None:
    known = {line.split()[0] for name in ("calls", "pool", "host") for line in (FAULTS / f"{name}.syms").read_text().splitlines()}
    called = calls_of("pool", "client", "harness/base", "harness/load", "harness/subjects/reference")
    headers = "\n".join(
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-E", f"/usr/include/{name}"], capture_output=True, text=True, check=True).stdout
        for name in ("unistd.h", "fcntl.h", "stdio.h", "poll.h", "time.h", "signal.h", "x86_64-linux-gnu/sys/socket.h")
    )
    assert {"recv", "send", "connect", "fork"} <= called & known
    system = {name for name in called if re.search(rf"\b{name} \(", headers)}
    assert system - known - NOT_FAILED - {"snprintf", "vsnprintf", "asprintf"} == set()


def test_each_call_has_its_errors() -> None:
    said = set(re.findall(r'"((?:lib\.)?[a-z_0-9]+)"', (FAULTS / "inject.c").read_text().split("names[FAULT_SITES]")[1].split(";")[0]))
    assert said == set(points.ERRORS) | {"poll"}  # which is passed only where the reader does not read


def test_a_single_one_is_repeated_by_its_command() -> None:
    run = subprocess.run(
        [str(ground.PROJECT.root / "run.sh"), "faults", "--session", "exchange", "--fault", "memory.pool:3"],
        capture_output=True, text=True, check=False,
    )
    assert run.returncode == 0 and "runs: 1; faults: 1; places: 1; none went wrong" in run.stdout, run.stdout + run.stderr


@pytest.mark.parametrize("args, said", [
    (["--session", "quue"], 'there is no session "quue"'), (["--fault", "recv:1:EIO"], "--fault needs --session"),
    (["--session", "queue", "--fault", "rcv:1"], '"rcv" is no site'),
    (["--session", "queue", "--fault", "recv:once"], '"recv:once" is no plan'),
])  # fmt: skip
def test_bad_input_is_one_sentence(args: list[str], said: str) -> None:
    run = subprocess.run(
        [str(ground.PROJECT.root / "run.sh"), "faults", *args], capture_output=True, text=True, check=False
    )
    assert run.returncode == 2 and said in run.stderr, run.stdout + run.stderr
