"""The life of each connection, read from a trace: when it was open, in use, and what befell it.

The wire is the witness: a connection is in use from a request to its response. Only what the wire cannot show comes from the
subject: where its replies name the local port, in use is from the checkout to the checkin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

FAULTS = ("fin_sent", "half_closed", "rst_sent", "stray")  # what the server did
ANSWERS = ("late", "fin_seen", "rst_seen")  # what the client did
SHOWN = 40  # connections in one chart


@dataclass
class Life:
    """One connection. Times are the trace's own, in ns."""

    conn: int
    listener: str
    peer: int
    opened: int
    closed: int | None = None
    ended_by_server: int | None = None
    counted: int = 0  # requests by the server's books; `requests` may hold fewer, since the trace of a load stops at some point
    recorded_until: int | None = None  # that point, where it came before the end of this life
    requests: list[int] = field(default_factory=list)
    in_use: list[tuple[int, int | None]] = field(default_factory=list)
    marks: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Choice:
    """What of a trace is shown: the first connections and those that violate something, and how many there are."""

    lives: list[Life]
    total: int
    violating: int


def _wire(events: Iterable[dict[str, Any]]) -> dict[int, Life]:
    lives: dict[int, Life] = {}
    books = []
    for event in events:
        if event.get("who") != "server" or not isinstance(event.get("conn"), int):
            continue
        conn, kind, t = event["conn"], event.get("ev"), event.get("t")
        if kind == "conn_books":
            books.append(event)
        elif kind == "accepted":
            lives[conn] = Life(conn, str(event.get("listener") or ""), event.get("peer") or 0, t)
        elif conn in lives:
            _happened(lives[conn], str(kind), t, event)
    for book in books:
        _add_books(lives, book)
    last = max((t for life in lives.values() for t in life.requests), default=0)
    for life in lives.values():
        if life.counted > len(life.requests):
            life.recorded_until = max(life.opened, last)
    return lives


def _happened(life: Life, kind: str, t: int, event: dict[str, Any]) -> None:
    if kind == "request":
        # before its first request a connection is nobody's but the caller's who opened it
        life.in_use.append((t if life.requests else life.opened, None))
        life.requests.append(t)
    elif kind == "response" and life.in_use and life.in_use[-1][1] is None:
        life.in_use[-1] = (life.in_use[-1][0], t)
    elif kind == "closed":
        life.closed = t
    elif kind in FAULTS or kind in ANSWERS:
        life.marks.append((t, "half_closed" if kind == "fin_sent" and event.get("half") else kind))
        if kind in ("fin_sent", "rst_sent") and not event.get("half") and life.ended_by_server is None:
            life.ended_by_server = t
        if kind in ("rst_sent", "rst_seen") and life.closed is None:
            life.closed = t


def _add_books(lives: dict[int, Life], book: dict[str, Any]) -> None:
    """What the books know of a connection whose events were not all recorded."""
    conn = book["conn"]
    if conn not in lives:
        if book.get("accepted_t") is None:
            return
        life = lives[conn] = Life(conn, str(book.get("listener") or ""), book.get("peer") or 0, book["accepted_t"])
        fault = {"fin": "fin_sent", "rst": "rst_sent"}.get(book.get("fault") or "", book.get("fault"))
        for t, kind in ((book.get("fault_t"), fault), (book.get("end_t"), book.get("end"))):
            if t is not None and kind in FAULTS + ANSWERS and (t, kind) not in life.marks:
                life.marks.append((t, kind))
    life = lives[conn]
    life.counted = book.get("requests") or 0
    if life.closed is None and book.get("end") not in (None, "open"):
        life.closed = book.get("end_t")


def _meant(lives: list[Life], reused: bool, asked: int) -> Life | None:
    """Which of the connections from one port a checkout gave, as a port may serve again later. A new one is accepted after it
    was asked for (and maybe after the subject's reply), a reused one was there before."""
    if reused:
        return next((life for life in reversed(lives) if life.opened < asked), None)
    return next((life for life in lives if life.opened >= asked), None)


def _checkouts(events: Iterable[dict[str, Any]], lives: dict[int, Life]) -> dict[int, list[tuple[int, int | None]]]:
    """Per connection the stretches between a checkout and its checkin, where the subject's replies name the local port."""
    spans: dict[int, list[tuple[int, int | None]]] = {}
    commands: dict[Any, dict[str, Any]] = {}
    held: dict[str, int] = {}  # sock -> connection
    by_port: dict[int, list[Life]] = {}
    for life in sorted(lives.values(), key=lambda life: life.opened):
        by_port.setdefault(life.peer, []).append(life)
    for event in events:
        if event.get("ev") == "command":
            commands[event.get("id")] = event
            continue
        if event.get("who") != "subject" or event.get("ev") != "reply" or not event.get("ok"):
            continue
        command = commands.get(event.get("id"), {})
        op, sock = command.get("op"), str(command.get("sock"))
        if op == "connect":
            life = _meant(by_port.get(event.get("local_port") or 0, []), bool(event.get("reused")), command["t"])
            if life is not None:
                held[sock] = life.conn
                spans.setdefault(life.conn, []).append((event["t"] if event.get("reused") else life.opened, None))
        elif op in ("setkeepalive", "close") and sock in held:
            conn = held.pop(sock)
            spans[conn][-1] = (spans[conn][-1][0], command["t"])
    return spans


def read(events: list[dict[str, Any]]) -> list[Life]:
    """Every connection of the trace in the order of its number."""
    lives = _wire(events)
    for conn, spans in _checkouts(events, lives).items():
        lives[conn].in_use = spans
    return [lives[conn] for conn in sorted(lives)]


def choose(lives: list[Life], violating: set[int], shown: int = SHOWN) -> Choice:
    """The first `shown` connections, and up to as many that violate something wherever they stand."""
    first = lives[:shown]
    later = [life for life in lives[shown:] if life.conn in violating][:shown]
    return Choice(first + later, len(lives), len(later))
