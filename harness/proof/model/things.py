"""What there is: addresses, connections, objects that hold them, and pools. What happens to them: model.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NEVER = float("inf")
QUIET, DATA, FIN, RST = "quiet", "data", "fin", "rst"  # what a look at a socket shows
Answer = dict[str, Any]


def ok(**fields: Any) -> Answer:
    return {"ok": True, **fields}


def error(*texts: str, **fields: Any) -> Answer:
    """Any of the texts will do."""
    return {"ok": False, "err": texts, **fields}


@dataclass(frozen=True)
class Address:
    text: str  # the name of its pool, if the caller names none: "127.0.0.1:4711", "unix:/path"
    at_once: bool = False  # a unix socket connects or fails inside the call, TCP not before the loop's next turn
    refuses: str = ""  # how every connect to it fails
    deaf: bool = False  # connects to it get no answer
    wrong: str = ""  # what is wrong with it as an argument


@dataclass(eq=False)
class Conn:
    pool: Pool
    address: Address
    member: bool  # keeps its pool alive: it was opened when there was one, or has been checked in
    serial: int  # of its address
    tag: int | None = None  # what the player calls it
    reused: int = 0
    buffer: bytes = b""  # read from the kernel, not yet asked for
    kernel: bytes = b""  # arrived, not yet read
    ended: str = ""  # by its peer: FIN or RST
    send_err: str = ""
    stuck: bool = False  # its peer reads no more
    until: float = NEVER  # when it has been idle for too long
    expired: bool = False  # that was why it was closed
    closed: str = ""  # by us, and what the peer sees: unread data in the kernel makes a close a reset

    def look(self) -> str:
        return DATA if self.kernel else self.ended or QUIET


@dataclass(eq=False)
class Wish:
    """A connect that waits: in line, then for the network, then until the loop tells its caller."""

    call: int
    obj: Object
    pool: Pool
    address: Address
    patience_ms: float  # as it was when connect was called: settimeouts is about later operations
    until: float
    member: bool = False
    outcome: Conn | Answer | None = None


@dataclass(eq=False)
class Read:
    call: int
    how: str  # bytes, line, any, all
    n: int
    until: float

    def take(self, conn: Conn) -> bytes | None:
        """What was asked for, out of the object's own buffer, if that is enough."""
        have = conn.buffer
        if self.how == "line" and b"\n" in have:
            line, _, conn.buffer = have.partition(b"\n")
            return line.replace(b"\r", b"")
        if (self.how == "bytes" and len(have) >= self.n) or (self.how == "any" and have):
            conn.buffer = have[self.n :]
            return have[: self.n]
        return None


@dataclass(eq=False)
class Write:
    """A send that waits for room."""

    call: int
    until: float


@dataclass(eq=False)
class Object:
    conn: Conn | None = None
    wish: Wish | None = None
    read: Read | None = None
    write: Write | None = None
    connect_ms: float = 60_000
    send_ms: float = 60_000
    read_ms: float = 60_000

    def busy(self) -> Answer | None:
        if self.wish:
            in_line = self.wish in self.wish.pool.line
            return error("socket busy connecting", *(["closed"] if in_line else []))
        if self.read:
            return error("socket busy reading")
        return error("socket busy writing") if self.write else None

    def unusable(self) -> Answer | None:
        return self.busy() or (None if self.conn else error("closed"))


@dataclass(eq=False)
class Pool:
    """One key. The pool exists while it has a size, and has one while something is left that keeps it alive."""

    size: int | None = None
    backlog: int | None = None  # None: the size counts idle connections only, and nobody waits
    idle: list[Conn] = field(default_factory=list)  # least recently returned first
    used: list[Conn] = field(default_factory=list)
    opening: list[Wish] = field(default_factory=list)
    line: list[Wish] = field(default_factory=list)  # first come first served

    def total(self) -> int:
        return len(self.idle) + len(self.used) + len(self.opening)

    def is_full(self) -> bool:
        return self.size is not None and self.backlog is not None and self.total() >= self.size

    def create(self, size: int, backlog: int | None) -> None:
        """Whoever creates the pool fixes size and backlog; they cannot be changed while it lives."""
        if self.size is None:
            self.size, self.backlog = size, backlog

    def forget(self) -> None:
        if not self.line and not any(one.member for one in (*self.idle, *self.used, *self.opening)):
            self.size = self.backlog = None
