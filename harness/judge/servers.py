"""The mock server as the judge has it: one process, steered and listened to by JSON lines."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

from judge.child import Child
from judge.errors import HarnessError
from judge.journal import Journal
from judge.network.namespace import NetNamespace
from judge.project import Project

ANSWER_MS = 10_000  # the server's own; generous, because nothing is measured here


class Servers:
    """Use as a context: on leaving it no process is left. The server's events go to the journal.

    namespace: the network namespace to run in; None: the machine's."""

    def __init__(
        self, project: Project, journal: Journal, log: Path, scale: float = 1, namespace: NetNamespace | None = None,
    ) -> None:
        self.journal, self.scale = journal, scale
        self.ids = itertools.count(1)
        self.answers: dict[int, dict[str, Any]] = {}
        argv = [project.program("server"), "--control"]
        self.child = Child(namespace.within(argv) if namespace else argv, log, self._line, journal.wake)

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *exc: object) -> None:
        self.child.kill()
        self.child.finish(5)

    def _line(self, line: dict[str, Any], t: int) -> None:
        if "ev" in line:
            self.journal.add({"t": t, "who": "server", **line})
        else:
            self.answers[line.get("id")] = line
            self.journal.wake()

    def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """One order to the server, and its answer."""
        number = next(self.ids)
        self.child.send({"id": number, "op": op, **fields}, ANSWER_MS / 1000)
        self.journal.wait(lambda: self.answers.get(number) or self.child.trouble, ANSWER_MS * self.scale)
        answer = self.answers.get(number)
        if answer is None:
            raise HarnessError(f"the server {self.child.trouble or 'does not answer'} at {op}: {self.child.obituary()}")
        if not answer.get("ok"):
            raise HarnessError(f"the server refuses to {op}: {answer.get('err')}")
        return answer

    def listen(self, name: str, address: str, **fields: Any) -> str:
        return self.call("listen", name=name, address=address, **fields)["address"]

    def settle(self) -> None:
        """Returns when the server has seen all that its kernel had for it: what it does next is younger. One turn of its loop
        may answer before it looks at its sockets, so it takes two."""
        self.call("books")
        self.call("books")

    def close_books(self) -> None:
        """Ends the server, once it has seen what its kernel had for it. Its books of every listener and connection are in the
        journal then."""
        self.settle()
        listeners = self.call("books")["listeners"]
        self.journal.add({"t": time.monotonic_ns(), "who": "server", "ev": "books", "listeners": listeners})
        self.child.leaving = True
        self.call("quit")
        self.child.finish(5)
