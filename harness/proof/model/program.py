"""A program: what is done to a pool, step by step, without knowing what comes of it. A step that makes no sense where it stands (the
peer of an object that has no connection ...) is left out by the player, so that any list of steps is a program, also a shrunk one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ADDRESSES = {
    "A": "a server",
    "B": "a server whose responses are larger than the read buffer",
    "U": "a server on a unix socket",
    "R": "a port where nobody listens",
    "M": "a unix socket that does not exist",
    "D": "a deaf server: connects to it get no answer",
    "N": "a port that cannot be",
    "E": "a unix socket without a path",
}


@dataclass(frozen=True)
class Command:
    """One op of the protocol. `get` is a send of a whole request, `push` one of more than fits where the peer does not read; receive's
    n may be "rest": all that has come; cancel names the object whose pending command is meant."""

    op: str
    sock: str | None = None
    fields: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        fields = [f"→ {value}" if key == "to" else f"{key}={value}" for key, value in self.fields]
        return " ".join([self.op, *([self.sock] if self.sock else []), *fields])


@dataclass(frozen=True)
class Act:
    """A misdeed of a peer: of the object's connection, or of the "oldest" or "newest" idle one."""

    whose: str
    do: str
    data: str = ""

    def __str__(self) -> str:
        what = self.data if len(self.data) < 20 else f"{len(self.data)} bytes"
        return f"the peer of {self.whose}: {self.do}" + (f" {what!r}" if self.data else "")


@dataclass(frozen=True)
class Batch:
    """Commands in one turn of the loop; the fault happens somewhere before the block among them ends."""

    commands: tuple[Command, ...]
    fault: Act | None = None

    def __str__(self) -> str:
        meanwhile = f", meanwhile {self.fault}" if self.fault else ""
        return f"in one turn: {'; '.join(map(str, self.commands))}{meanwhile}"


@dataclass(frozen=True)
class Wait:
    """Until the next deadlines have passed."""

    def __str__(self) -> str:
        return "wait for the next deadline"


Step = Command | Act | Batch | Wait


@dataclass(frozen=True)
class Program:
    max_idle: int
    idle_timeout_ms: float  # 0: unlimited
    steps: tuple[Step, ...]


def command(op: str, sock: str | None = None, **fields: Any) -> Command:
    return Command(op, sock, tuple((key, value) for key, value in fields.items() if value is not None))
