"""Real servers are started for one run, in a folder of its own, and are gone afterwards."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from judge.attempts import run_and_judge
from judge.project import Project
from judge.runner import Settings
from judge.scenario import load_scenarios
from judge.subject import find_adapter

from servers.real.nginx import Nginx, NginxError

PROJECT = Project.here("san")


def processes_about(text: str) -> list[str]:
    found = []
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = cmdline.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended meanwhile
        if text in words:
            found.append(words)
    return found


def test_answers_and_is_gone(tmp_path: Path) -> None:
    with Nginx({"keepalive_requests": 2}, tmp_path) as nginx:
        assert processes_about(str(tmp_path))
        with urllib.request.urlopen(f"http://{nginx.address}/t/1", timeout=10) as response:
            assert response.read().endswith(b" /t/1\n")
        with pytest.raises(NginxError, match="already"):
            nginx.start()
    assert not processes_about(str(tmp_path))


def test_a_directive_that_nginx_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(NginxError, match='unknown directive "keepalive_bogus"'), Nginx({"keepalive_bogus": 1}, tmp_path):
        pass
    assert not processes_about(str(tmp_path))


def test_a_load_run_leaves_no_nginx_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for folder in ("traces", "logs", "load"):
        (tmp_path / folder).mkdir()
    scenario = load_scenarios(PROJECT)["load/nginx-keepalive-requests"]
    outcome = run_and_judge(PROJECT, scenario, find_adapter("reference", PROJECT), Settings(tmp_path))
    assert {result["verdict"] for result in outcome.results} == {"pass"}
    assert not processes_about(f"-p {tmp_path}")
