"""The words of the trace: an event, what a checker finds, and the kinds of its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NewType, TypedDict

MS = 1_000_000  # ns
UNORDERED_NS = MS  # two processes' stamps that are closer than this have no order


class Event(dict):
    """One line of a trace: a dict, whose common fields can be read as attributes. Absent ones are None."""

    __slots__ = ()

    @property
    def t(self) -> int:
        return self["t"]

    @property
    def who(self) -> str:
        return self["who"]

    @property
    def ev(self) -> str:
        return self["ev"]

    @property
    def conn(self) -> int | None:
        return self.get("conn")


@dataclass(frozen=True)
class Finding:
    """What a checker says. `expected` and `seen` are phrases; t and conn name the violating moment, for the excerpt and the
    picture.

    margin_ms is set where the violation is an upper bound that was missed: by how much the bound exceeds what is due. A
    machine that was itself late by half of that makes the finding inconclusive."""

    ok: bool
    expected: str
    seen: str
    t: int | None = None
    conn: int | None = None
    margin_ms: float | None = None
    value: Any = None  # of an observation


# The kinds of a checker's parameters, beside str, int, float, bool, dict and lists of them.
Label = NewType("Label", str)  # of a step: what it did. `a` for an exchange, `a.setkeepalive` for one of its commands
Mark = NewType("Mark", str)  # a label or a mark: a moment of the script
Moment = NewType("Moment", str)  # a label, a mark, or a server's event on the connection in question ("fin_sent")
Conn = NewType("Conn", object)  # a server's connection number, or a label: the connection that served it

Bounds = NewType("Bounds", dict)  # figure → the number that it must be, or [least, most]


class Answer(TypedDict):
    """Whose reply."""

    of: Label


class Expectation(Answer, total=False):
    """What a reply must be. `ok`: true, false or "either". `err`: one sentence, or a list of those allowed; `err_has`: a
    part of it. Every other field must be equal."""

    ok: bool | str
    err: str | list[str]
    err_has: str
    value: object
    reused: int
    status: int
    data: str
    partial: str
    sent: int
    phase: str
    body_has: str


def ms(ns: float) -> str:
    """A duration for a reader."""
    return f"{ns / MS:.1f} ms" if abs(ns) < 10_000 * MS else f"{ns / MS / 1000:.2f} s"
