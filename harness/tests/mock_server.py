"""What the tests of the mock server share: the server under the sanitizers, steered as the judge steers it, and a raw client."""

from __future__ import annotations

import fcntl
import json
import select
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from judge.project import Project

PROJECT = Project.here("san")
PATIENCE_S = 20  # for what must happen; a test that passes never waits that long


def server_program() -> Path:
    """Builds it where it is stale; one test process at a time."""
    (PROJECT.root / "build").mkdir(exist_ok=True)
    with (PROJECT.root / "build" / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            ["make", "-s", "VARIANT=san", "build/san/server"], cwd=PROJECT.root, capture_output=True, text=True, check=False
        )
    assert made.returncode == 0, made.stdout + made.stderr
    return PROJECT.program("server")


class Mock:
    """The server in control mode. Leaving the context asks it to quit, and asserts that it left cleanly."""

    def __init__(self, **popen: Any) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([server_program(), "--control"], stdin=pipe, stdout=pipe, stderr=pipe, text=True, **popen)
        self.trace: list[dict[str, Any]] = []
        self.answers: dict[int, dict[str, Any]] = {}
        self.news = threading.Condition()
        self.ended = False
        self.ids = 0
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            said = json.loads(line)
            with self.news:
                if "ev" in said:
                    self.trace.append(said)
                else:
                    self.answers[said["id"]] = said
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def __enter__(self) -> Mock:
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        if failed:
            self.process.kill()
            self.process.wait()
        elif self.process.poll() is None:
            self.quit()

    def _wait(self, condition: Any, what: str) -> Any:
        with self.news:
            self.news.wait_for(lambda: condition() or self.ended, PATIENCE_S)
            found = condition()
        assert found, f"no {what}; the trace: {self.trace}"
        return found

    def send(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        """The server's answer, whatever it is."""
        self.ids += 1
        number = self.ids
        self.send(json.dumps({"id": number, "op": op, **fields}))
        return self._wait(lambda: self.answers.get(number), f"answer to {op}")

    def call(self, op: str, **fields: Any) -> dict[str, Any]:
        answer = self.ask(op, **fields)
        assert answer["ok"], answer
        return answer

    def listen(self, *behaviours: dict[str, Any] | str, address: str = "127.0.0.1:0", name: str = "origin", **fields: Any) -> str:
        entries = [{"name": b} if isinstance(b, str) else b for b in behaviours]
        return self.call("listen", name=name, address=address, behaviours=entries, **fields)["address"]

    def quit(self) -> int:
        self.call("quit")
        self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        assert self.process.stderr
        log = self.process.stderr.read()
        assert self.process.returncode == 0 and "Sanitizer" not in log and "runtime error" not in log, log
        return self.process.returncode

    def await_event(self, ev: str, conn: int | None = 1, count: int = 1, **members: Any) -> dict[str, Any]:
        """The count-th such event."""

        def found() -> dict[str, Any] | None:
            hits = [e for e in self.trace if e["ev"] == ev and e.get("conn") == conn and members.items() <= e.items()]
            return hits[count - 1] if len(hits) >= count else None

        return self._wait(found, f"{ev} of connection {conn}")

    def events(self, conn: int = 1) -> list[str]:
        """What has happened on a connection so far, in order, without its books."""
        if self.process.poll() is None:
            self.call("books")  # its answer comes behind all that was told before
        with self.news:
            return [e["ev"] for e in self.trace if e.get("conn") == conn and e["ev"] != "conn_books"]

    def books(self, conn: int = 1) -> dict[str, Any]:
        """After quit."""
        return next(e for e in self.trace if e["ev"] == "conn_books" and e["conn"] == conn)


class Client:
    """A socket, and no pool."""

    def __init__(self, address: str) -> None:
        if address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address.removeprefix("unix:"))
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host.strip("[]"), int(port)))
        self.socket.settimeout(PATIENCE_S)
        self.held = b""

    @property
    def port(self) -> int:
        return self.socket.getsockname()[1]

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def get(self, target: str = "/t/1", *fields: str, version: str = "1.1", method: str = "GET") -> None:
        lines = [f"{method} {target} HTTP/{version}", "Host: a", *fields, "", ""]
        self.send("\r\n".join(lines).encode())

    def _until(self, complete: Any) -> None:
        while not complete():
            more = self.socket.recv(1 << 20)
            assert more, f"the end of the stream behind {self.held!r}"
            self.held += more

    def response(self, has_body: bool = True) -> tuple[str, dict[str, str], bytes]:
        """One response by its framing: status line, fields, body. What comes behind it is kept."""
        self._until(lambda: b"\r\n\r\n" in self.held)
        head, self.held = self.held.split(b"\r\n\r\n", 1)
        status, *lines = head.decode().split("\r\n")
        fields = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(fields["content-length"]) if has_body else 0
        self._until(lambda: len(self.held) >= length)
        body, self.held = self.held[:length], self.held[length:]
        return status, fields, body

    def exchange(self, target: str = "/t/1", *fields: str) -> bytes:
        self.get(target, *fields)
        return self.response()[2]

    def rest(self) -> tuple[bytes, str]:
        """Everything until the end, and how it ended: fin or rst."""
        try:
            while more := self.socket.recv(1 << 20):
                self.held += more
        except ConnectionResetError:
            return self.held, "rst"
        return self.held, "fin"

    def bytes(self, count: int) -> bytes:
        self._until(lambda: len(self.held) >= count)
        data, self.held = self.held[:count], self.held[count:]
        return data

    def is_quiet(self) -> bool:
        """Whether nothing is there to read: no byte, no end. Ask after an event that proves that it would be."""
        return not self.held and not select.select([self.socket], [], [], 0)[0]

    def finish(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


def ms_between(earlier: dict[str, Any], later: dict[str, Any]) -> float:
    return (later["t"] - earlier["t"]) / 1e6


def now_ns() -> int:
    return time.monotonic_ns()
