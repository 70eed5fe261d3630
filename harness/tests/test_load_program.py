"""The load generator as a program: bad input, servers that are not there, Ctrl-C, workers that die, full disks."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from load_kit import program, run, url_of
from mock_server import PATIENCE_S, Mock
from terminal import needs_terminal


@pytest.mark.parametrize("args", [("--json", "/dev/full"), ("--trace", "/dev/full"), ("--out", "/nowhere/at/all")], ids=" ".join)
def test_what_cannot_be_written_is_said(mock: Mock, args: tuple[str, ...]) -> None:
    ran = subprocess.run([program(), url_of(mock.listen("ok")), "-n", "5", *args], capture_output=True, text=True, check=False)
    assert ran.returncode == 3
    assert re.fullmatch(rf"load: {args[1]} could not be written: .*\n", ran.stderr), ran.stderr


def test_a_target_that_is_not_utf8_is_written_with_question_marks() -> None:
    ran = subprocess.run([bytes(program()), b"http://127.0.0.1:1/\xff", "-n", "1", "--json", "-"], capture_output=True, check=False)
    assert json.loads(ran.stdout)["url"] == "http://127.0.0.1:1/?"


# --- when things go wrong -----------------------------------------------------------------------------------------------


def test_a_port_where_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        ran = subprocess.run([program(), url, "-n", "6", "-c", "2", "--json", "-"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert ran.stderr == f"load: not one of 6 requests to {url} succeeded: most failed in connect, ECONNREFUSED\n"
    figures = json.loads(ran.stdout)
    assert figures["errors"] == [{"phase": "connect", "error": "ECONNREFUSED", "first_use": True, "count": 6}]
    assert figures["connections_opened"] == 0 and figures["elapsed_s"] >= 0.02, "a user rests before it tries again"


def start(url: str, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [program(), url, "--json", "-", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_keeps_what_it_has_measured(mock: Mock, how: str) -> None:
    process = start(url_of(mock.listen("ok")), "-d", "60s", "-c", "4", "-t", "2")
    mock.await_event("response", 2, count=5)
    workers = workers_of(process)
    if how == "Ctrl-C":  # the terminal tells the whole group
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.terminate()
    said, complaints = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, complaints) == (130, "")
    figures = json.loads(said)
    assert figures["interrupted"] and figures["lost_workers"] == []
    assert figures["ok"] > 5 and figures["failed"] == 0 and figures["elapsed_s"] < 60
    assert figures["requests"] == figures["ok"] + figures["unfinished"]
    assert len(workers) == 2 and not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_a_worker_that_dies_leaves_what_it_had_measured(mock: Mock) -> None:
    process = start(url_of(mock.listen("ok")), "-d", "1500ms", "-c", "2", "-t", "2")
    for conn in (1, 2):
        mock.await_event("response", conn, count=5)
    os.kill(workers_of(process)[1], signal.SIGKILL)
    said, complaints = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert complaints == "load: worker 1 was lost (killed by signal 9); what it had measured is counted\n"
    figures = json.loads(said)
    assert figures["lost_workers"] == [1] and not figures["interrupted"]
    survivor, lost = figures["workers_detail"]
    assert lost["lost"] and not survivor["lost"] and survivor["ok"] > lost["ok"] >= 4
    assert figures["ok"] == survivor["ok"] + lost["ok"] == figures["latency_us"]["all"]["count"]
    assert figures["elapsed_s"] >= 1.5, "the others go on"


def test_workers_end_with_their_parent(mock: Mock) -> None:
    process = start(url_of(mock.listen("ok")), "-d", "60s", "-c", "2", "-t", "2")
    mock.await_event("response", 2)
    workers = workers_of(process)
    process.kill()
    process.wait()
    wait_until(lambda: not any(is_running(pid) for pid in workers))
    process.communicate()


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("quiet", [False, True])
@needs_terminal
def test_progress_is_drawn_on_a_terminal_only(mock: Mock, quiet: bool) -> None:
    terminal, end = pty.openpty()
    args = [program(), url_of(mock.listen("ok")), "-d", "700ms", "-c", "1", *(["--quiet"] if quiet else [])]
    subprocess.run(args, stderr=end, stdout=subprocess.DEVNULL, check=True)
    os.set_blocking(terminal, False)
    os.write(end, b".")
    drawn = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    os.close(end)
    assert ("answered" in drawn) is not quiet


URL = "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "a URL is missing"),
        ([URL, URL], f'one URL at a time: "{URL}" is a second one'),
        (["127.0.0.1:80"], '"127.0.0.1:80" is not a URL that can be used: a URL starts with http://'),
        (["https://127.0.0.1/"], "a URL starts with http://"),
        (["http://"], "the host is missing"),
        (["http://example.com/"], "numeric address"),
        (["http://127.0.0.1:99999/"], "127.0.0.1:99999"),
        (["http://127.0.0.1/a b"], "blank"),
        (["http://unix:/" + "x" * 200 + ":/"], "path of the unix socket is too long"),
        ([URL, "--pool-sise", "3"], "--pool-sise is not an option: did you mean --pool-size?"),
        ([URL, "--poolsize=3"], "did you mean --pool-size?"),
        ([URL, "-z"], "-z is not an option: --help lists them"),
        ([URL, "-c"], "-c needs a value: a whole number from 1 to 1000000"),
        ([URL, "-c", "0"], '-c cannot be "0": it takes a whole number from 1 to 1000000'),
        ([URL, "-c", "ten"], '-c cannot be "ten"'),
        ([URL, "-c", "-1"], '-c cannot be "-1"'),
        ([URL, "-t", "257"], '-t cannot be "257": it takes a whole number from 1 to 256'),
        ([URL, "-c", "2", "-t", "3"], "3 workers need at least 3 users: -c 2 is too few"),
        ([URL, "-d", "5"], '-d cannot be "5": it takes a duration such as 500ms, 2s or 1m'),
        ([URL, "--timeout", "0"], '--timeout cannot be "0"'),
        ([URL, "--think", "5ms-2ms"], '--think cannot be "5ms-2ms"'),
        ([URL, "-R", "0"], '-R cannot be "0": it takes a number above 0'),
        ([URL, "-R", "10", "--think", "1ms"], "--think and --pause belong to the closed loop"),
        ([URL, "-R", "10", "--pause", "1ms/5"], "--think and --pause belong to the closed loop"),
        ([URL, "--pause", "1ms"], '--pause cannot be "1ms": it takes a duration and a number of requests such as 60ms/500'),
        ([URL, "--pause", "0/5"], '--pause cannot be "0/5"'),
        ([URL, "--pause", "1ms/0"], '--pause cannot be "1ms/0"'),
        ([URL, "--fixed=yes"], "--fixed takes no value"),
        ([URL, "--json="], '--json cannot be ""'),
        ([URL, "-c", "900000"], "-c 900000 with -t 1 needs 900032 descriptors in each worker"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence(args: list[str], said: str) -> None:
    ran = subprocess.run([program(), *args], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("load: ") and ran.stderr.count("\n") == 1 and said in ran.stderr, ran.stderr


def test_options_in_every_form(mock: Mock) -> None:
    url = url_of(mock.listen("ok"))
    for form in (["-n", "7", "-c", "2"], ["-n7", "-c2"], ["--requests=7", "--users=2"], ["--requests", "7", "--users", "2"]):
        figures = run(url, *form)
        assert (figures["requests"], figures["users"]) == (7, 2)


def test_help_teaches() -> None:
    ran = subprocess.run([program(), "--help"], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("Usage: load URL") and ran.stdout.count("\n  load http://") == 2
    for option in ("-c, --users", "-t, --workers", "-d, --duration", "-n, --requests", "-R, --rate", "--pool-size", "--think", "--pause"):
        assert option in ran.stdout
