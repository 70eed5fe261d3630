"""The real thing: one subject, its servers, and what is known of them. Every line that goes to either is kept, to be replayed."""

from __future__ import annotations

import json
import re
import socket
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from judge.deaf import Deaf
from judge.journal import Journal
from judge.project import Project
from judge.servers import Servers
from judge.subject import Subject, find_adapter
from proof.model.things import Address
from proof.model.wire import Wire

STATS_MS = 10_000
MANY = re.compile(r"(\w)\1{9999,}")


def now_ms() -> float:
    return time.monotonic_ns() / 1e6


class Notes(Journal):
    """A journal that finds what the servers saw of a connection at once."""

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[int, list[dict[str, Any]]] = defaultdict(list)  # by the server's number of the connection
        self.accepted: list[dict[str, Any]] = []

    def add(self, event: dict[str, Any]) -> None:
        if event.get("who") == "server" and "conn" in event:
            self.of[event["conn"]].append(event)
            if event["ev"] == "accepted":
                self.accepted.append(event)
        super().add(event)

    def find(self, tag: int, *kinds: str) -> dict[str, Any] | None:
        return next((event for event in [*self.of[tag]] if event["ev"] in kinds), None)


class World:
    """Use as a context: on leaving it nothing is left."""

    def __init__(self, project: Project) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="poolspec-model-")
        scratch = Path(self.folder.name)
        self.notes = Notes()
        self.lines: list[tuple[str, dict[str, Any]]] = []
        self.wire = Wire()
        self.servers = Servers(project, self.notes, scratch / "server.log")
        self.subject = Subject(find_adapter("reference", project), self.notes, scratch / "subject.log")
        self.asked = 0
        self.refusing = socket.socket()  # bound and not listening: the port is ours, and nobody answers
        self.refusing.bind(("127.0.0.1", 0))
        self.deaf = Deaf().__enter__()
        self.listener = {"A": self.listen("A", "127.0.0.1:0"), "B": self.listen("B", "127.0.0.1:0", body_bytes=5000),
                         "U": self.listen("U", f"unix:{scratch}/u")}  # fmt: skip
        refusing = f"127.0.0.1:{self.refusing.getsockname()[1]}"
        self.addresses = {
            "A": Address(self.listener["A"]),
            "B": Address(self.listener["B"]),
            "U": Address(self.listener["U"], at_once=True),
            "R": Address(refusing, refuses="connection refused"),
            "M": Address(f"unix:{scratch}/missing", at_once=True, refuses="no such file or directory"),
            "D": Address(self.deaf.address, deaf=True),
            "N": Address("127.0.0.1:-1", wrong="bad port number: -1"),
            "E": Address("unix:", wrong='failed to parse host name "unix:": no path in the unix domain socket'),
        }
        self.subject.meet()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *exc: object) -> None:
        self.subject.__exit__()
        self.servers.__exit__()
        self.wire.close()
        self.refusing.close()
        self.deaf.__exit__()
        self.folder.cleanup()

    def listen(self, name: str, address: str, **options: Any) -> str:
        fields = {"name": name, "behaviours": [{"name": "ok", **options}], "trace": "full"}
        bound = self.servers.listen(address=address, **fields)
        self.lines.append(("server", {"op": "listen", "address": bound, **fields}))
        return bound

    def where(self, name: str) -> dict[str, Any]:
        """An address as connect's fields."""
        text = self.addresses[name].text
        if text.startswith("unix:"):
            return {"unix": text.removeprefix("unix:")}
        host, _, port = text.rpartition(":")
        return {"host": host, "port": int(port)}

    def ask(self, op: str, **fields: Any) -> int:
        self.asked += 1
        self.lines.append(("subject", {"id": self.asked, "op": op, **fields}))
        return self.subject.ask(op, **fields)

    def ask_batch(self, commands: list[tuple[str, dict[str, Any]]]) -> int:
        """Returns the batch's own id; those of its commands come before it."""
        first, self.asked = self.asked + 1, self.asked + len(commands) + 1
        lines = [{"id": first + n, "op": op, **fields} for n, (op, fields) in enumerate(commands)]
        self.lines.append(("subject", {"id": self.asked, "op": "batch", "commands": lines}))
        self.subject.ask_batch([(op, None, fields) for op, fields in commands], None)
        return self.asked

    def stats(self) -> dict[str, dict[str, int]]:
        """What the pool says of itself, by the pools' names. It also means that the loop has turned once more."""
        number = self.subject.ask("stats")
        self.asked += 1
        pools = self.subject.reply(number, STATS_MS)["pools"]
        del self.subject.replies[number]
        return {pool.pop("pool"): pool for pool in pools}

    def act(self, tag: int, do: str, data: str) -> None:
        fields = {"conn": tag, "do": do, **({"data": data} if data else {})}
        self.lines.append(("server", {"op": "act", **fields}))
        self.servers.call("act", **fields)

    def is_tcp(self, address: Address) -> bool:
        return not address.text.startswith("unix:")

    def look(self, tag: int, address: Address) -> tuple[str, int]:
        remote = int(address.text.rpartition(":")[2])
        return self.wire.look(self.notes.of[tag][0]["peer"], remote)

    def log(self) -> str:
        """How the subject's log begins: what a sanitizer has to say stands there."""
        return (Path(self.folder.name) / "subject.log").read_text(errors="replace")[:1500]

    def transcript(self) -> str:
        """What was written, in order: to `build/release/server --control`, and to `./run.sh subject reference`."""
        numbered = ({"id": n, **line} if who == "server" else line for n, (who, line) in enumerate(self.lines, 1))
        lines = (f"{who:7} < {json.dumps(line)}" for (who, _), line in zip(self.lines, numbered, strict=True))
        return "\n".join(MANY.sub(lambda many: f"<{len(many[0])} times {many[1]}>", line) for line in lines)
