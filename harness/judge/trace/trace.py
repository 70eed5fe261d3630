"""The trace of one run, joined."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from judge.trace.event import MS, Event

TOKEN = re.compile(r"t/([0-9a-f]{16})")
ACCEPT_MS = 1000  # how much later than the client's connect the server may accept; times --timeout-scale
GONE = frozenset({"fin_seen", "rst_seen", "rst_sent", "closed"})  # after any of these the connection is not open any more


@dataclass
class Call:
    """A command to the subject and its reply; None where it never answered."""

    command: Event
    reply: Event | None = None

    @property
    def op(self) -> str:
        return self.command["op"]

    @property
    def label(self) -> str | None:
        return self.command.get("label")

    @property
    def ok(self) -> bool:
        return self.reply is not None and self.reply["ok"] is True


@dataclass
class Checkout:
    """A connection in a user's hands: from a connect (or a whole request) to the setkeepalive that gave it back."""

    start: Call
    conn: int | None = None
    calls: list[Call] = field(default_factory=list)
    checkin: Call | None = None

    @property
    def key(self) -> str:
        """The pool's name: given, or the text of host and port, or of the unix socket."""
        command = self.start.command
        options = command.get("options") or {}
        address = f"unix:{command['unix']}" if "unix" in command else f"{command.get('host')}:{command.get('port')}"
        return options.get("pool") or address


@dataclass(frozen=True)
class Span:
    """From when a step was begun (first), over its last command, to its end (done)."""

    first: int
    last: int
    done: int


class Trace:
    def __init__(self, events: Iterable[dict[str, Any]]):
        self.events = sorted((Event(e) for e in events), key=lambda e: e.t)

    @classmethod
    def load(cls, path: Path) -> Trace:
        with path.open(encoding="utf-8") as lines:
            return cls(json.loads(line) for line in lines)

    # What it is a trace of.

    @cached_property
    def begin(self) -> Event:
        return next(self.judge("begin"), Event(t=0, who="judge", ev="begin"))

    @property
    def scale(self) -> float:
        """What upper bounds and margins are multiplied with."""
        return self.begin.get("timeout_scale", 1)

    @property
    def pool(self) -> dict[str, Any]:
        return self.begin.get("pool") or {}

    @cached_property
    def run(self) -> Event | None:
        """The load generator's own result, of a load run."""
        found = next(self.judge("load_result"), None)
        return Event(found["run"]) if found else None

    @cached_property
    def sweep(self) -> Event | None:
        """What became of the pairs of a sweep: samples, a list of {planned_ms, gap_ms, span_ms, outcome, how}; lost."""
        return next(self.judge("sweep_result"), None)

    @cached_property
    def end_t(self) -> int:
        """When the script was over. What follows is the subject going home."""
        end = next(self.judge("end"), None)
        return end.t if end else (self.events[-1].t if self.events else 0)

    @cached_property
    def lag_ms(self) -> float:
        """The worst lateness of any loop that took part."""
        lags = [e["max_ms"] for e in self.events if e.ev == "lag"]
        return max([*lags, self.run.get("loop_lag_max_ms", 0) if self.run else 0])

    def margin_ms(self, fixed_ms: float) -> float:
        """For what must be seen in time on every trace: a machine that was late makes such a check blunter, never wrong."""
        return fixed_ms * self.scale + self.lag_ms

    # Events.

    def judge(self, ev: str) -> Iterator[Event]:
        return (e for e in self.events if e.who == "judge" and e.ev == ev)

    @cached_property
    def server(self) -> list[Event]:
        """What the servers saw and did while the script ran."""
        return [e for e in self.events if e.who == "server" and e.t <= self.end_t]

    @cached_property
    def by_conn(self) -> dict[int, list[Event]]:
        """The servers' events of each connection, to the very end."""
        found: dict[int, list[Event]] = defaultdict(list)
        for e in self.events:
            if e.who == "server" and e.conn is not None and e.ev != "conn_books":
                found[e.conn].append(e)
        return found

    @cached_property
    def books(self) -> dict[int, Event]:
        """The servers' book of each connection."""
        return {e["conn"]: e for e in self.events if e.ev == "conn_books"}

    @cached_property
    def listeners(self) -> dict[str, dict[str, int]]:
        """The servers' books, summed by listener."""
        found = [e for e in self.events if e.ev == "books"]
        return found[-1]["listeners"] if found else {}

    def seen_on(self, conn: int | None, *kinds: str) -> list[Event]:
        """Events of these kinds on a connection while the script ran."""
        return [e for e in self.by_conn.get(conn, []) if e.ev in kinds and e.t <= self.end_t]

    # Joins.

    @cached_property
    def calls(self) -> list[Call]:
        """All commands in the order in which they were written."""
        replies = {e["id"]: e for e in self.events if e.who == "subject" and e.ev == "reply"}
        return [Call(e, replies.get(e["id"])) for e in self.judge("command")]

    @cached_property
    def labelled(self) -> dict[str, list[Call]]:
        """The calls of a label; an exchange's also under the exchange's own."""
        found: dict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            if call.label:
                found[call.label].append(call)
                whole = call.label.rpartition(".")[0]
                if whole in self.exchanges:
                    found[whole].append(call)
        return found

    @cached_property
    def exchanges(self) -> dict[str, Event]:
        return {e["label"]: e for e in self.judge("exchange")}

    def answer(self, label: str) -> Event | None:
        """How a step was answered: the exchange's end, or the last reply of that label."""
        if label in self.exchanges:
            return self.exchanges[label]
        calls = self.labelled.get(label)
        return calls[-1].reply if calls else None

    @cached_property
    def requests(self) -> dict[str, list[Event]]:
        """The requests that the servers saw, by token."""
        found: dict[str, list[Event]] = defaultdict(list)
        for e in self.events:
            if e.who == "server" and e.ev == "request":
                for token in TOKEN.findall(e["target"]):
                    found[token].append(e)
        return found

    def conn_of(self, which: Any) -> int | None:
        """A connection number as it is, or the connection that served a label; None where none is known to have."""
        if isinstance(which, int) or which is None:
            return which
        for call in self.labelled.get(which, []):
            found = self._conn_of_call(call)
            if found is not None:
                return found
        checkout = next((c for c in self.checkouts if which in (c.start.label, *(call.label for call in c.calls))), None)
        return checkout.conn if checkout else None

    def _conn_of_call(self, call: Call) -> int | None:
        requests = self.requests.get(call.command.get("token", ""))
        if requests:
            return requests[0].conn
        port = call.reply.get("local_port") if call.reply else None
        if not port:
            return None
        latest = call.reply.t + self.scale * ACCEPT_MS * MS
        accepted = [e for e in self.events if e.ev == "accepted" and e["peer"] == port and e.t <= latest]
        return accepted[-1].conn if accepted else None

    def moment(self, name: str, conn: int | None = None) -> Span | None:
        """When a label was, or a mark, or (given the connection) a server's event on it."""
        calls = self.labelled.get(name)
        if calls:
            ends = [c.reply.t for c in calls if c.reply] or [self.end_t]
            return Span(calls[0].command.t, calls[-1].command.t, max(ends))
        marks = [e.t for e in self.events if e.who == "judge" and e.get("label") == name]
        marks = marks or [e.t for e in self.by_conn.get(conn, []) if e.ev == name]
        return Span(marks[0], marks[0], marks[0]) if marks else None

    @cached_property
    def checkouts(self) -> list[Checkout]:
        """Every connect and every whole request that succeeded, with what was done with the connection."""
        held: dict[str, Checkout] = {}
        found = []
        for call in self.calls:
            if call.op == "request":
                found.append(Checkout(call, self._conn_of_call(call), [call], call))
            elif call.op == "connect":
                held.pop(call.command["sock"], None)
                if call.ok:
                    held[call.command["sock"]] = checkout = Checkout(call, self._conn_of_call(call))
                    found.append(checkout)
            elif (checkout := held.get(call.command.get("sock", ""))) is not None:
                checkout.calls.append(call)
                if checkout.conn is None:
                    checkout.conn = self._conn_of_call(call)
                if call.op == "setkeepalive" and call.ok:
                    checkout.checkin = call
                    del held[call.command["sock"]]
        return found

    def blocked_ns(self, start: int, end: int) -> int:
        """For how much of an interval a `block` held the subject's thread, so that its loop did not run."""
        blocks = [(call.command.t, call.reply.t) for call in self.calls if call.op == "block" and call.reply]
        return sum(max(0, min(end, stop) - max(start, begin)) for begin, stop in blocks)

    def open_at(self, t: int, listener: str | None = None) -> list[int]:
        """The connections that the servers had open at a moment."""
        accepted = [e for e in self.server if e.ev == "accepted" and e.t <= t and listener in (None, e.get("listener"))]
        return [e["conn"] for e in accepted if not any(g.t <= t for g in self.by_conn[e["conn"]] if g.ev in GONE)]
