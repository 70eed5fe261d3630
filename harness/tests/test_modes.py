"""One load in three forms: what the kernel's tables say of each, few local ports, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from judge.modes.exhaustion import exhaust
from judge.modes.forms import FORMS, Load
from judge.modes.lulls import with_lulls
from judge.modes.measure import Bench
from judge.network.namespace import NetNamespace, NotAllowed, few_ports
from judge.project import PYTHON, Project
from judge.sockets import GONE, SocketTable
from judge_kit import ROOT, environment, judge
from processes import descendants, name_of

PROJECT = Project.here("san")
BY_KEY = {form.key: form for form in FORMS}
PATIENCE_S = 20


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket, int, int]]:
    """Client, server, and their ports."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        with closing(client), closing(server):
            yield client, server, client.getsockname()[1], server.getsockname()[1]


def of(table: SocketTable, client: int, server: int, state: str) -> dict[str, str]:
    """Both ends, once the client's is in that state: segments take a moment, on loopback too."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := table.of(server, client))["client"] != state and time.monotonic() < deadline:
        time.sleep(0.005)
    return found


# --- the kernel's table -------------------------------------------------------------------------------------------------


def test_both_ends_from_open_to_time_wait(pair: Any) -> None:
    client, server, own, peer = pair
    with SocketTable() as table:
        assert table.of(peer, own) == {"client": "ESTABLISHED", "server": "ESTABLISHED"}
        client.close()
        assert of(table, own, peer, "FIN_WAIT2") == {"client": "FIN_WAIT2", "server": "CLOSE_WAIT"}
        server.close()
        assert of(table, own, peer, "TIME_WAIT") == {"client": "TIME_WAIT", "server": GONE}
        counts = table.counts(peer)  # of the machine: whoever had this port before may have left something, too
        assert counts["client"]["TIME_WAIT"] >= 1 and "ESTABLISHED" not in counts["server"]


# --- the namespace --------------------------------------------------------------------------------------------------------


@pytest.fixture
def allowed(tmp_path: Path) -> None:
    try:
        with NetNamespace(tmp_path / "probe.log"):
            pass
    except NotAllowed as err:
        pytest.skip(str(err))


@pytest.mark.usefixtures("allowed")
def test_a_namespace_has_its_own_ports_and_counters(tmp_path: Path) -> None:
    with NetNamespace(tmp_path / "log", few_ports(7)) as namespace:
        argv = namespace.within(["cat", "/proc/sys/net/ipv4/ip_local_port_range"])
        said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        assert said.split() == ["20000", "20006"]
        assert Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split() != said.split(), "the machine's is as it was"
        assert namespace.call("tcp")["ActiveOpens"] == 0
        agent = namespace.child.process.pid
    assert not Path(f"/proc/{agent}").exists()


def test_without_permission_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuses = tmp_path / "unshare"
    refuses.write_text("#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2\nexit 1\n")
    refuses.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NotAllowed, match="Operation not permitted"), NetNamespace(tmp_path / "log"):
        pass
    ran = judge("compare-modes", "--requests", "200", "--users", "4", "--rounds", "1", "--out", tmp_path / "out",
                PATH=f"{tmp_path}:{os.environ['PATH']}")  # fmt: skip
    assert ran.code == 0, ran.err
    assert "Measured without a namespace" in ran.out and "Operation not permitted" in ran.out


# --- the forms ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("server", ["mock", "nginx"])
def test_who_is_left_with_time_wait(server: str) -> None:
    """200 requests of 4 users. nginx's starter has looked whether it listens: one connection more, which the client closed."""
    bench, load, probe = Bench(PROJECT, server), Load(users=4, requests=200, limit=20, idle_ms=60_000), server == "nginx"
    runs = {key: bench.run(form, load) for key, form in BY_KEY.items()}
    assert all(run["ok"] == 200 and run["failed"] == 0 for run in runs.values())
    left = {key: {side: run["left"][side]["TIME_WAIT"] for side in ("client", "server")} for key, run in runs.items()}
    assert left["short-client"] == {"client": 200 + probe, "server": 0}
    short = left["short-server"]  # where both close at once, both are left with it
    assert short["server"] + short["client"] >= 200 + probe and short["server"] > short["client"]
    assert left["long"] == {"client": 4 + probe, "server": 0}, "closed by the client when the load is over"
    each = {key: run["per_request"]["handshakes"] for key, run in runs.items()}
    assert each["short-client"] == each["short-server"] == 1
    assert each["long"] == 4 / 200 < each["keep-alive"] <= (200 / 20 + 3) / 200
    assert runs["long"]["ended"] == {"limit": 0, "timeout": 0, "client": 4} and runs["short-client"]["ended"] is None
    assert runs["long"]["per_request"]["teardowns"] == 0
    assert runs["short-client"]["per_request"]["segments"] > 2 * runs["long"]["per_request"]["segments"]


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("server", ["mock", "nginx"])
def test_lulls_let_the_idle_timeout_end_connections(server: str) -> None:
    """4 users pause twice: behind 30 requests, and behind 60; a connection brings 20. A machine that stands still for so long as a
    connection may idle loses requests, or has more of them end so."""
    found = with_lulls(Bench(PROJECT, server), Load(users=4, limit=20, idle_ms=400))
    assert (found["pause_ms"], found["pause_every"]) == (800, 30)
    rows = {row["form"]: row for row in found["rows"]}
    assert all(row["ok"] + row["failed"] == row["requests"] == 4 * 30 * 3 for row in rows.values())
    assert rows["long"]["failed"] == 0 and rows["long"]["ended"] == {"limit": 0, "timeout": 0, "client": 4}
    ended, ok = rows["keep-alive"]["ended"], rows["keep-alive"]["ok"]
    assert ended["timeout"] >= 4 and ended["limit"] >= 1 and ended["client"] <= 4, ended
    assert ended["limit"] * 20 + (ended["timeout"] + ended["client"]) * 19 >= ok, "every answer was on one of these"


@pytest.mark.usefixtures("allowed")
def test_few_ports_fail_only_the_client_that_closes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judge.modes.exhaustion.PORTS", 64)
    found = exhaust(Bench(PROJECT, "mock"), Load(users=4, limit=20, idle_ms=60_000))
    rows = {row["form"]: row for row in found["rows"]}
    assert {key: row["failed"] for key, row in rows.items() if row["failed"]} == {"short-client": 64 * 3}
    lost = rows["short-client"]
    assert lost["errors"] == [{"phase": "connect", "error": "EADDRNOTAVAIL", "first_use": True, "count": 64 * 3}]
    assert lost["left"]["client"]["TIME_WAIT"] == lost["ok"] == 64


# --- the pool -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("allowed")
def test_the_pool_says_that_no_port_is_left_and_goes_on(tmp_path: Path) -> None:
    """Two local ports: the third connection gets the kernel's words, keeps no place and costs nobody else anything."""
    to = {"host": "127.0.0.1", "port": 8080}
    with NetNamespace(tmp_path / "log", few_ports(2)) as namespace:
        argv = [PYTHON, "-c", "import socket, sys; s = socket.create_server(('127.0.0.1', 8080)); print(flush=True); sys.stdin.read()"]
        pipe = subprocess.PIPE
        with subprocess.Popen(namespace.within(argv), stdin=pipe, stdout=pipe) as server:
            assert server.stdout.readline()
            subject = namespace.within([PROJECT.program("reference")])
            with subprocess.Popen(subject, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as pool:
                pool.stdout.readline()

                def ask(**order: Any) -> dict[str, Any]:
                    pool.stdin.write(json.dumps({"id": 1, **order}) + "\n")
                    pool.stdin.flush()
                    return json.loads(pool.stdout.readline())

                assert ask(op="connect", sock="a", **to)["ok"] and ask(op="connect", sock="b", **to)["ok"]
                refused = ask(op="connect", sock="c", **to)
                assert (refused["ok"], refused["err"]) == (False, "cannot assign requested address")
                assert ask(op="setkeepalive", sock="a")["ok"]
                assert ask(op="connect", sock="c", **to)["reused"] == 1
                pool.stdin.close()
                assert (pool.wait(PATIENCE_S), pool.stderr.read()) == (0, "")  # no sanitizer has anything to say
            server.stdin.close()


# --- the command ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("allowed")
def test_the_command_writes_table_page_and_pictures(tmp_path: Path) -> None:
    ran = judge("compare-modes", "--requests", "400", "--users", "4", "--rounds", "2", "--out", tmp_path)
    assert ran.code == 0, ran.err
    assert "EADDRNOTAVAIL in connect" in ran.out and "times the CPU" in ran.out
    found = json.loads((tmp_path / "modes__mock.json").read_text())
    assert [len(form["runs"]) for form in found["forms"]] == [2, 2, 2, 2]
    pictures = {path.name for path in (tmp_path / "plots").iterdir()}
    assert pictures == {f"modes__mock__{name}.{kind}" for name in ("sockets", "costs", "ports", "latency") for kind in ("svg", "png")}
    page = (tmp_path / "modes__mock.html").read_text()
    assert page.count("<svg") == 4 and "short, client closes" in page


@pytest.mark.parametrize(("words", "sentence"), [
    (("--requests", "10", "--duration", "2s"), "not allowed with"),
    (("--duration", "2"), '"2" is no duration'),
    (("--requests", "0"), "0 is not more than 0"),
    (("--requests", "3", "--users", "4"), "4 users need at least as many requests"),
    (("--server", "apache"), "invalid choice: 'apache'"),
])
def test_bad_arguments(words: tuple[str, ...], sentence: str) -> None:
    ran = judge("compare-modes", *words)
    assert ran.code == 2 and sentence in ran.err


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    argv = [PYTHON, "-m", "judge", "compare-modes", "--duration", "1m", "--users", "4", "--out", str(tmp_path / "out")]
    process = subprocess.Popen(argv, cwd=ROOT, env=environment(TMPDIR=str(tmp_path)), process_group=0)
    while "load" not in map(name_of, running := descendants(process.pid)):  # it has begun
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 130
    while any(map(name_of, running)):
        time.sleep(0.01)  # the load's workers end with it, a moment behind; pytest-timeout is the bound
    assert not list(tmp_path.iterdir())
