"""Real servers are started for one run, in a folder of its own, and are gone afterwards."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import pytest
from judge.attempts import run_and_judge
from judge.project import PYTHON, Project
from judge.runner import Settings
from judge.scenario import load_scenarios
from judge.subject import find_adapter
from processes import processes_about

from servers.real._process import RealServer, RealServerError, uninterrupted
from servers.real.nginx import Nginx
from servers.real.tomcat import Tomcat

PROJECT = Project.here("san")
SCENARIOS = load_scenarios(PROJECT)


LIMITED: list[tuple[type[RealServer], dict[str, object]]] = [(Nginx, {"keepalive_requests": 2}), (Tomcat, {"maxKeepAliveRequests": 2})]


@pytest.mark.parametrize(("kind", "directives"), LIMITED)
def test_answers_and_is_gone(kind: type[RealServer], directives: dict[str, object], tmp_path: Path) -> None:
    with kind(directives, tmp_path) as server:
        assert processes_about(str(tmp_path))
        client = HTTPConnection(server.address, timeout=10)
        for number, closes in ((1, False), (2, True)):
            client.request("GET", f"/t/{number}")
            response = client.getresponse()
            assert response.read().endswith(f" r{number} /t/{number}\n".encode())
            assert (response.getheader("Connection") == "close") == closes
        with pytest.raises(RealServerError, match="already"):
            server.start()
    assert not processes_about(str(tmp_path))


@pytest.mark.parametrize(
    ("kind", "directives", "sentence"),
    [
        (Nginx, {"keepalive_bogus": 1}, 'unknown directive "keepalive_bogus"'),
        (Tomcat, {"keepAliveBogus": 1}, "does not take keepAliveBogus=1"),
        (Tomcat, {"keepAliveTimeout": "1s"}, "does not take keepAliveTimeout=1s"),
    ],
)
def test_a_directive_that_it_does_not_know(
    kind: type[RealServer], directives: dict[str, object], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(RealServerError, match=sentence), kind(directives, tmp_path):
        pass
    assert not processes_about(str(tmp_path))


def test_a_signal_waits_for_a_process_that_is_being_started() -> None:
    started = False
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        signal.raise_signal(signal.SIGINT)
        started = True
    assert started


@pytest.mark.parametrize("program", ["nginx.py", "tomcat.py"])
def test_the_program_takes_its_server_with_it_when_it_is_killed(program: str, tmp_path: Path) -> None:
    argv = [PYTHON, PROJECT.root / "servers" / "real" / program, "--dir", tmp_path]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        host, port = json.loads(process.stdout.readline())["address"].split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(b"HEAD /ok HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(1)  # it has accepted us: those that wait in its queue are reset
            process.kill()
            while client.recv(1000):  # the end of the server ends its connections
                pass
    while processes_about(str(tmp_path)):
        time.sleep(0.01)  # it is ending; pytest-timeout is the bound


# Tomcat's are tagged slow, since it starts slowly and is no small thing to install: an ordinary run leaves them out.
LOADS = [name for name, one in SCENARIOS.items() if one.load and one.real and one.real["kind"] == "tomcat"]


@pytest.mark.parametrize("name", ["load/nginx-keepalive-requests", *LOADS])
def test_a_load_run_holds_and_leaves_no_server_behind(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for folder in ("traces", "logs", "load"):
        (tmp_path / folder).mkdir()
    outcome = run_and_judge(PROJECT, SCENARIOS[name], find_adapter("reference", PROJECT), Settings(tmp_path))
    assert {result["verdict"] for result in outcome.results} == {"pass"}
    assert not processes_about(f"{tmp_path}/poolspec")


def test_a_load_run_whose_server_does_not_start_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "traces").mkdir()
    unheard = replace(SCENARIOS["load/nginx-keepalive-requests"], real={"kind": "nginx", "keepalive_bogus": 1})
    outcome = run_and_judge(PROJECT, unheard, find_adapter("reference", PROJECT), Settings(tmp_path))
    assert {one["verdict"] for one in outcome.results} == {"error"}
    assert all('unknown directive "keepalive_bogus"' in one["seen"] and "Traceback" not in one["seen"] for one in outcome.results)
