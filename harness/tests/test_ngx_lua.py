"""The adapter of ngx_lua: that it says what the cosockets said, when they said it, and leaves nothing behind.

What the pool itself does is the scenarios' business; it is used here where it shows what the adapter has done."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from judge import adapter_check
from judge.project import Project
from judge.subject import find_adapter

PROJECT = Project.here()
ADAPTER = find_adapter("ngx_lua", PROJECT)
PATIENCE_S = 20  # for what must happen; a test that passes never waits that long


class Subject:
    """The adapter in a process group of its own, with a folder of its own for what is temporary."""

    def __init__(self, folder: str, **environment: str) -> None:
        pipe = subprocess.PIPE
        self.folder = Path(folder)
        self.process = subprocess.Popen(
            ADAPTER.argv, stdin=pipe, stdout=pipe, stderr=pipe, process_group=0, env={**os.environ, "TMPDIR": folder, **environment}
        )
        self.lines: list[dict[str, Any]] = []
        self.news = threading.Condition()
        self.ids = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.news:
                self.lines.append(json.loads(line))
                self.news.notify_all()

    def command(self, op: str, **fields: Any) -> dict[str, Any]:
        self.ids += 1
        return {"id": self.ids, "op": op, **fields}

    def write(self, *commands: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(json.dumps(command).encode() + b"\n" for command in commands))
        self.process.stdin.flush()

    def reply(self, number: int | None) -> dict[str, Any]:
        def find() -> dict[str, Any] | None:
            return next((line for line in self.lines if "protocol" not in line and line["id"] == number), None)

        with self.news:
            self.news.wait_for(find, PATIENCE_S)
            found = find()
        assert found, f"no reply to {number}: {self.lines}"
        return {key: value for key, value in found.items() if key != "id"}

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        command = self.command(op, **fields)
        self.write(command)
        return self.reply(command["id"])

    def batch(self, *commands: dict[str, Any]) -> None:
        self.write(self.command("batch", commands=list(commands)))

    def refused(self, op: str, **fields: Any) -> str:
        reply = self.ask(op, **fields)
        assert not reply["ok"] and reply["err"].startswith("protocol: ")
        return reply["err"].removeprefix("protocol: ")

    def nginx(self, title: str = "") -> list[int]:
        """The nginx processes of this subject, by what they call themselves."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words, stat = (entry / "cmdline").read_text(), (entry / "stat").read_text()
            except OSError:
                continue
            group = int(stat.rpartition(")")[2].split()[2])
            if group == self.process.pid and words.startswith(f"nginx: {title}"):
                found.append(int(entry.name))
        return found

    def ends(self) -> tuple[int, str]:
        """Its exit status and log; and there is nothing left of it."""
        status = self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        wait_until(lambda: not self.nginx())
        assert not list(self.folder.iterdir())
        assert self.process.stderr
        return status, self.process.stderr.read().decode()


@pytest.fixture
def subject() -> Iterator[Subject]:
    with tempfile.TemporaryDirectory(prefix="ps-") as folder:  # a short path: it is to hold unix sockets
        one = Subject(folder)
        try:
            yield one
        finally:
            one.process.kill()
            one.process.wait()
            wait_until(lambda: not one.nginx())


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        yield listener


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.01)


def at(peer: socket.socket) -> dict[str, Any]:
    host, port = peer.getsockname()[:2]
    return {"host": host, "port": port}


def connected(subject: Subject, peer: socket.socket, sock: str = "a", **more: Any) -> socket.socket:
    assert subject.ask("connect", sock=sock, **at(peer), **more)["ok"]
    conn, _ = peer.accept()
    conn.settimeout(PATIENCE_S)
    return conn


def test_it_speaks_the_protocol() -> None:
    assert [(what, why) for what, why in adapter_check.check(ADAPTER, PROJECT) if why] == []


def test_it_says_which_versions_are_judged(subject: Subject) -> None:
    subject.ask("stats")
    assert subject.lines[0]["name"] == "ngx_lua" and subject.lines[0]["level"] == ["socket"]
    assert "nginx 1." in subject.lines[0]["version"] and "ngx_lua 0.10." in subject.lines[0]["version"]


def test_what_it_does_not_have_it_does_not_claim(subject: Subject) -> None:
    assert subject.refused("stats") == "unknown op"
    assert not {"stats", "read_body", "tcp_keepalive"} & set(subject.lines[0]["features"])


# --- what goes to the pool, and what comes back -------------------------------------------------------------------------------------


def test_wrong_values_are_the_pools_to_answer(subject: Subject, peer: socket.socket) -> None:
    with connected(subject, peer):
        for wrong, err in (
            ({"size": 0}, "bad argument #2 to 'setkeepalive' (bad \"pool_size\" option value: 0)"),
            ({"size": "x"}, "bad argument #2 to 'setkeepalive' (number expected, got string)"),
        ):
            assert subject.ask("setkeepalive", sock="a", **wrong) == {"ok": False, "err": err}
        assert subject.ask("setkeepalive", sock="a", size="7") == {"ok": True, "value": 1}


@pytest.mark.parametrize(
    ("fields", "err"),
    [
        ({"host": "127.0.0.1"}, "missing the port number"),
        ({"host": "127.0.0.1", "port": -1}, "bad port number: -1"),
        ({"host": None, "port": 80}, "bad argument #1 to 'connect' (string expected, got nil)"),
        ({"host": "::1", "port": 1, "options": {"pool_size": 0}}, "bad argument #3 to 'connect' (bad \"pool_size\" option value: 0)"),
        ({"host": "::1", "port": 1, "options": {"pool": {}}}, "bad argument #3 to 'connect' (bad \"pool\" option type: table)"),
        ({"unix": "/there/is/nothing"}, "no such file or directory"),
        ({"host": "a.example", "port": 80}, 'no resolver defined to resolve "a.example"'),
    ],
)
def test_an_error_comes_in_the_pools_own_words(subject: Subject, fields: dict[str, Any], err: str) -> None:
    assert subject.ask("connect", sock="a", **fields) == {"ok": False, "err": err}


def test_arguments_are_passed_as_they_are(subject: Subject, peer: socket.socket) -> None:
    at_peer = at(peer)
    assert subject.ask("connect", sock="a", arguments=[at_peer["host"], at_peer["port"], {"pool": "p", "pool_size": None}])["value"] == 1
    assert "but got 4" in subject.ask("setkeepalive", sock="a", arguments=[None, 2, None])["err"]
    assert "number expected" in subject.ask("setkeepalive", sock="a", arguments=[None, "x"])["err"]
    assert subject.ask("setkeepalive", sock="a", arguments=[None, 2])["value"] == 1
    assert "seen 1" in subject.ask("connect", sock="a", arguments=[])["err"]
    assert subject.refused("connect", sock="a", arguments=1) == "`arguments` must be a list"


def test_size_alone_passes_nil_as_the_timeout(subject: Subject, peer: socket.socket) -> None:
    assert subject.ask("configure", idle_timeout_ms=200)["ok"]
    for fields in ({"size": 3}, {"timeout_ms": None}, {"timeout_ms": None, "size": None}, {}):
        with connected(subject, peer) as conn:
            begun = time.monotonic()
            assert subject.ask("setkeepalive", sock="a", **fields)["ok"]
            assert conn.recv(1) == b"" and time.monotonic() - begun > 0.199


def test_a_pools_options_reach_it(subject: Subject, peer: socket.socket) -> None:
    options = {"pool": "mine", "pool_size": 1, "backlog": 0}
    with connected(subject, peer, options=options):
        assert subject.ask("connect", sock="b", **at(peer), options=options)["err"] == "too many waiting connect operations"
        assert subject.ask("connect", sock="b", **at(peer), options={**options, "pool": None})["ok"]


def test_the_configuration_reaches_nginx(subject: Subject, peer: socket.socket) -> None:
    assert subject.ask("configure", max_idle=1, read_timeout_ms=100, connect_timeout_ms=2000, send_timeout_ms=2000)["ok"]
    with connected(subject, peer, "a") as first, connected(subject, peer, "b") as second:
        begun = time.monotonic()
        assert subject.ask("receive", sock="a", line=True) == {"ok": False, "err": "timeout", "partial": ""}
        assert 0.099 < time.monotonic() - begun < PATIENCE_S
        assert subject.ask("setkeepalive", sock="a")["ok"] and subject.ask("setkeepalive", sock="b")["ok"]
        assert first.recv(1) == b""
        assert subject.ask("connect", sock="c", **at(peer))["local_port"] == second.getpeername()[1]


def test_a_configuration_that_nginx_refuses(subject: Subject) -> None:
    assert subject.ask("configure", max_idle=-1) == {"ok": False, "err": '"lua_socket_pool_size" directive invalid number'}
    assert "whole number" in subject.refused("configure", idle_timeout_ms=1.5)
    assert "`phase`" in subject.refused("configure", phase="init")
    assert "`workers`" in subject.refused("configure", workers=0)
    assert "`resolver`" in subject.refused("configure", resolver="127.0.0.1; user root")
    assert subject.ask("configure", max_idle=1)["ok"]
    assert "before any other op" in subject.refused("configure", max_idle=2)


def test_it_tells_a_new_connection_from_a_reused_one(subject: Subject, peer: socket.socket) -> None:
    with connected(subject, peer) as conn:
        port = conn.getpeername()[1]
        assert subject.ask("setkeepalive", sock="a")["ok"]
        assert subject.ask("connect", sock="b", **at(peer)) == {"ok": True, "value": 1, "reused": 1, "local_port": port}
        assert subject.ask("getreusedtimes", sock="b") == {"ok": True, "value": 1}


def test_ipv6_and_unix(subject: Subject) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as six, socket.socket(socket.AF_UNIX) as unix:
        path = str(subject.folder / "s")
        unix.bind(path)
        unix.listen()
        reply = subject.ask("connect", sock="six", **at(six))
        assert reply["ok"] and reply["local_port"] == six.accept()[1][1]
        assert subject.ask("connect", sock="unix", unix=path) == {"ok": True, "value": 1, "reused": 0}
        os.unlink(path)


def test_lines_that_are_no_commands(subject: Subject) -> None:
    assert subject.process.stdin
    for line in (b'"half a pair \\ud800"', b"\xff", b"[" * 5000, b'{"id": 1.5, "op": "block", "ms": 1}', b'{"id": true}'):
        subject.lines[1:] = []
        subject.process.stdin.write(line + b"\n")
        subject.process.stdin.flush()
        assert subject.reply(None)["err"].startswith("protocol: "), line
    assert "text" in subject.refused("connect", sock="a", host="\ud800", port=1)
    assert "`data`" in subject.refused("send", sock="a", data={"base64": "?"})
    assert "`sock`" in subject.refused("close")
    assert "`ms`" in subject.refused("block", ms=-1)


def test_large_ids_are_not_rounded(subject: Subject) -> None:
    subject.ids = 2**60 + 1
    assert subject.ask("close", sock="a") == {"ok": False, "err": "closed"}


# --- turns of the event loop ----------------------------------------------------------------------------------------------------------


def test_a_batch_is_one_turn_of_the_event_loop(subject: Subject, peer: socket.socket) -> None:
    """The first command is answered while the batch goes on; the peer then hangs up, and the event loop does not get to see it."""
    conn = connected(subject, peer)
    back, block = subject.command("setkeepalive", sock="a"), subject.command("block", ms=400)
    take = subject.command("connect", sock="b", **at(peer))
    subject.batch(back, block, take)
    assert subject.reply(back["id"])["ok"]
    assert not any(line.get("id") == block["id"] for line in subject.lines)
    conn.close()
    assert subject.reply(take["id"])["reused"] == 1
    assert subject.ask("receive", sock="b", any=1) == {"ok": False, "err": "closed", "partial": ""}


def test_a_batch_does_not_wait(subject: Subject, peer: socket.socket) -> None:
    """What has to wait stays pending, on one socket too; a send is on the wire at once; and the rest of the batch comes first."""
    options = {"pool_size": 1, "backlog": 1}
    with connected(subject, peer, options=options) as conn:
        commands = [
            subject.command("connect", sock="b", **at(peer), options=options),
            subject.command("receive", sock="a", bytes=2),
            subject.command("send", sock="a", data="now"),
            subject.command("close", sock="a"),
            subject.command("block", ms=300),
            subject.command("no such op"),
            subject.command("getreusedtimes", sock="a"),
        ]
        subject.batch(*commands)
        waits, reads, sends, closes, blocks, unknown, asks = (command["id"] for command in commands)
        assert conn.recv(10) == b"now"
        assert not any(line.get("id") == blocks for line in subject.lines)
        conn.sendall(b"hi")
        assert subject.reply(reads) == {"ok": True, "data": "hi"}
        assert subject.reply(closes)["err"] == "socket busy reading"
        assert subject.ask("setkeepalive", sock="a")["ok"]
        assert subject.reply(waits)["reused"] == 1
        whole = asks + 1
        order = [line["id"] for line in subject.lines[1:]]
        assert order[1:] == [sends, closes, blocks, unknown, asks, whole, reads, order[-2], waits]


def test_what_may_not_stand_in_a_batch(subject: Subject) -> None:
    not_here = [subject.command("configure"), subject.command("quit"), subject.command("batch", commands=[])]
    subject.batch(*not_here, close := subject.command("close", sock="a"), {"op": "close"})
    assert all("cannot stand in a batch" in subject.reply(command["id"])["err"] for command in not_here)
    assert subject.reply(close["id"])["err"] == "closed"
    assert "integer `id`" in subject.reply(None)["err"]


def test_block_holds_the_worker(subject: Subject, peer: socket.socket) -> None:
    block, close = subject.command("block", ms=250.5), subject.command("close", sock="a")
    begun = time.monotonic()
    subject.write(block, close)
    subject.reply(close["id"])
    assert time.monotonic() - begun > 0.25
    assert [line["id"] for line in subject.lines[1:]] == [block["id"], close["id"]]


@pytest.mark.parametrize("phase", ["content", "rewrite", "access", "timer"])
def test_the_sockets_live_in_the_phase_that_was_asked_for(subject: Subject, peer: socket.socket, phase: str) -> None:
    assert subject.ask("configure", phase=phase, workers=2) == {"ok": True, "phase": phase}
    with connected(subject, peer, worker=1) as conn:
        conn.sendall(b"hello\n")
        assert subject.ask("receive", sock="a", line=True)["data"] == "hello"
        assert subject.ask("setkeepalive", sock="a")["ok"]
        assert subject.ask("connect", sock="a", **at(peer))["reused"] == 1


def test_each_worker_is_a_process_with_a_pool_of_its_own(subject: Subject, peer: socket.socket) -> None:
    assert subject.ask("configure", workers=3)["ok"]
    assert len(subject.nginx("worker process")) == 3
    conns = [connected(subject, peer, f"s{worker}", worker=worker) for worker in range(3)]
    assert all(subject.ask("setkeepalive", sock=f"s{worker}")["ok"] for worker in range(3))
    for worker, conn in enumerate(conns):
        reply = subject.ask("connect", sock=f"t{worker}", **at(peer), worker=worker)
        assert (reply["reused"], reply["local_port"]) == (1, conn.getpeername()[1])
    assert subject.refused("connect", sock="u", **at(peer), worker=3) == "there is no such `worker`"
    assert subject.refused("connect", sock="s1", **at(peer), worker=2) == "that `sock` lives in another worker"
    subject.batch(close := subject.command("close", sock="t2"), other := subject.command("close", sock="t1"))
    assert subject.reply(close["id"])["ok"] and "another worker" in subject.reply(other["id"])["err"]


# --- cancel and stop --------------------------------------------------------------------------------------------------------------------


def test_a_pending_command_is_cancelled(subject: Subject, peer: socket.socket) -> None:
    with connected(subject, peer) as conn:
        read, held = subject.command("receive", sock="a", line=True), subject.command("close", sock="a")
        asked = subject.command("getreusedtimes", sock="a")
        subject.write(read, held, asked)
        assert subject.ask("cancel", target=held["id"]) == {"ok": True}
        assert subject.ask("cancel", target=read["id"]) == {"ok": True}
        for command in (read, held):
            assert subject.reply(command["id"]) == {"ok": False, "err": "cancelled"}
        assert subject.reply(asked["id"])["err"] == "closed"  # ngx_lua closes the connection of a reader that is killed
        assert conn.recv(1) == b""
        assert "pending" in subject.refused("cancel", target=read["id"])


def test_a_cancelled_connect_leaves_the_queue(subject: Subject, peer: socket.socket) -> None:
    options = {"pool_size": 1, "backlog": 1}
    with connected(subject, peer, options=options):
        waiting = subject.command("connect", sock="b", **at(peer), options=options)
        subject.write(waiting)
        assert subject.ask("connect", sock="c", **at(peer), options=options)["err"] == "too many waiting connect operations"
        last = subject.command("connect", sock="c", **at(peer), options=options)
        subject.batch(subject.command("cancel", target=waiting["id"]), last)
        assert subject.reply(waiting["id"])["err"] == "cancelled"
        assert subject.ask("setkeepalive", sock="a")["ok"]
        assert subject.reply(last["id"])["reused"] == 1


def test_stop_is_a_workers_graceful_end(subject: Subject, peer: socket.socket) -> None:
    with connected(subject, peer, "idle") as idle, connected(subject, peer, "used") as used:
        assert subject.ask("setkeepalive", sock="idle")["ok"] and subject.ask("stop")["ok"]
        assert idle.recv(1) == b""
        used.sendall(b"still here\n")
        assert subject.ask("receive", sock="used", line=True)["data"] == "still here"
        assert subject.ask("setkeepalive", sock="used") == {"ok": True, "value": 1}
        assert used.recv(1) == b""


# --- the end ------------------------------------------------------------------------------------------------------------------------------


def test_quit_is_answered_last(subject: Subject, peer: socket.socket) -> None:
    with connected(subject, peer) as conn:
        subject.write(send := subject.command("send", sock="a", data="bye"), leave := subject.command("quit"))
        assert subject.ends() == (0, "")
        assert [line["id"] for line in subject.lines[-2:]] == [send["id"], leave["id"]]
        assert conn.recv(10) == b"bye" and conn.recv(1) == b""


def test_the_end_of_input_is_the_end(subject: Subject, peer: socket.socket) -> None:
    with connected(subject, peer) as conn:
        subject.write(subject.command("receive", sock="a", line=True))
        assert subject.process.stdin
        subject.process.stdin.close()
        assert subject.ends() == (0, "")
        assert conn.recv(1) == b""


def test_an_end_before_anything_was_asked(subject: Subject) -> None:
    assert subject.process.stdin
    subject.process.stdin.close()
    assert subject.ends() == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_when_it_is_killed(subject: Subject, peer: socket.socket, number: signal.Signals) -> None:
    assert subject.ask("configure", workers=2)["ok"]
    with connected(subject, peer) as conn:
        assert len(subject.nginx()) == 3
        subject.process.send_signal(number)
        assert subject.ends()[0] == (-number if number == signal.SIGKILL else 128 + number)
        assert conn.recv(1) == b""


def test_a_worker_that_is_held_up_does_not_hold_up_the_end(subject: Subject) -> None:
    subject.write(subject.command("block", ms=60_000), subject.command("quit"))
    assert subject.ends()[0] == 0


def test_a_worker_that_crashes_ends_it_and_the_log_says_how(subject: Subject) -> None:
    subject.ask("close", sock="a")
    (worker,) = subject.nginx("worker process")
    os.kill(worker, signal.SIGSEGV)
    status, log = subject.ends()
    assert status == 1 and f"worker process {worker} exited on signal 11" in log


def test_a_missing_package_is_named() -> None:
    with tempfile.TemporaryDirectory(prefix="ps-") as folder:
        status, log = Subject(folder, PATH="/nowhere").ends()
    assert status == 1 and "libnginx-mod-http-lua" in log
