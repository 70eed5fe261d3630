"""Two timelines of one script → where they differ. Pure.

What the client did is not compared, and of times only what follows: an answer's and an end's, counted from whatever was seen or
done before, and a late write's reaction. nginx keeps its timers to the millisecond; Tomcat looks at them once a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from judge.differential.play import Event, Timeline

AT_ONCE_MS = 100.0
LARGE_BYTES = 1_000_000  # the time of a larger answer is that of reading it
EARLY_MS = 5.0  # a timer's own granularity


@dataclass(frozen=True)
class Clock:
    """How a kind keeps its timers: an end of timer T comes within [T - EARLY_MS, T + late_ms]. `timers_ms` are the
    configuration's. `rst_late_ms`: a reset comes within so much of its cause. Tomcat hands a socket to a thread and goes to sleep in
    its selector for a second; whether the thread has cancelled the key by then says whether the reset is sent before the sleep or
    after it. Both were seen of a Tomcat that nobody else talked to. `stop_late_ms`: what a server that is told to stop needs for
    itself: Tomcat loads classes for it."""

    late_ms: float
    timers_ms: tuple[float, ...] = ()
    rst_late_ms: float = 0.0
    stop_late_ms: float = 0.0


@dataclass(frozen=True)
class Difference:
    """`what`: a word for the kind of difference, which lists of known ones use."""

    what: str
    real: str
    mock: str

    def __str__(self) -> str:
        return f"{self.what}: {self.real} | {self.mock}"


def compare(real: Timeline, mock: Timeline, clock: Clock, lag_ms: float = 0.0) -> list[Difference]:
    """`lag_ms`: how late the player itself was, at worst, while the two were played."""
    return [
        *answers_differ(real, mock, clock, lag_ms),
        *ends_differ(real, mock, clock, lag_ms),
        *lates_differ(real, mock, clock, lag_ms),
        *others_differ(real, mock),
    ]


def of_kind(timeline: Timeline, *kinds: str) -> list[Event]:
    return [event for event in timeline.events if event.kind in kinds]


def answers_differ(real: Timeline, mock: Timeline, clock: Clock, lag_ms: float) -> Iterator[Difference]:
    ours, theirs = of_kind(real, "answer", "rest"), of_kind(mock, "answer", "rest")
    if len(ours) != len(theirs):
        yield Difference("answers", f"{len(ours)} ({last_of(ours)})", f"{len(theirs)} ({last_of(theirs)})")
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), 1):
        yield from answer_differs(number, one, other)
        if one.answer is not None and (one.answer.length or 0) > LARGE_BYTES:
            continue
        waits = since_before(real, one), since_before(mock, other)
        left_over = one.answer is not None and not one.answer.whole  # by the end
        if left_over or of_kind(real, "others"):  # it may have waited for one of them to leave
            alike = same_class(*waits, clock, lag_ms)
        else:
            alike = abs(waits[0] - waits[1]) <= AT_ONCE_MS + lag_ms
        if not alike:
            yield Difference(f"answer {number} time", *(f"after {wait:.0f} ms" for wait in waits))


def last_of(events: Sequence[Event]) -> str:
    return f"the last is {events[-1].text}" if events else "none"


def answer_differs(number: int, one: Event, other: Event) -> Iterator[Difference]:
    if one.answer is None or other.answer is None:
        if one.text != other.text:
            yield Difference(f"answer {number}", one.text, other.text)
        return
    for name in ("status_line", "connection", "keep_alive", "framing", "length", "body", "whole"):
        values = getattr(one.answer, name), getattr(other.answer, name)
        if values[0] != values[1]:
            yield Difference(f"answer {number} {name.replace('_', ' ')}", *map(repr, values))


def since_before(timeline: Timeline, event: Event) -> float:
    """Milliseconds since whatever was seen or done before it; since the beginning, where it is the first."""
    at = next(i for i, one in enumerate(timeline.events) if one is event)
    return event.t_ms - (timeline.events[at - 1].t_ms if at else 0.0)


def ends_differ(real: Timeline, mock: Timeline, clock: Clock, lag_ms: float) -> Iterator[Difference]:
    ends = [of_kind(one, "end") for one in (real, mock)]
    words = [" then ".join(event.text for event in found) or "none" for found in ends]
    if words[0] != words[1]:
        yield Difference("end", *(f"{word}{after(one, found)}" for word, one, found in zip(words, (real, mock), ends, strict=True)))
    elif ends[0] and not ends[0][-1].text.startswith("open"):
        waits = since_before(real, ends[0][-1]), since_before(mock, ends[1][-1])
        any_time = words[0] == "RST" and max(waits) <= clock.rst_late_ms + AT_ONCE_MS + lag_ms
        told_ms = clock.stop_late_ms if was_told(real, ends[0][-1]) else 0.0
        if not any_time and not same_class(*waits, clock, lag_ms + told_ms):
            yield Difference("end time", *(f"{words[0]} after {wait:.0f} ms" for wait in waits))


def was_told(timeline: Timeline, end: Event) -> bool:
    """Whether the server was, and the client has done nothing since but to watch others come."""
    done = [event.text for event in timeline.events[: timeline.events.index(end)] if event.kind == "did"]
    return any(text.startswith("server ") for text in takewhile(lambda text: text.startswith(("server ", "open ")), reversed(done)))


def after(timeline: Timeline, found: Sequence[Event]) -> str:
    return f" after {since_before(timeline, found[-1]):.0f} ms" if found and found[-1].text in ("EOF", "RST") else ""


def same_class(one_ms: float, other_ms: float, clock: Clock, lag_ms: float) -> bool:
    """Whether both may be the work of the same timer. A wait is short by as much as the event before it was seen late."""
    if abs(one_ms - other_ms) <= AT_ONCE_MS / 2 + lag_ms or max(one_ms, other_ms) <= AT_ONCE_MS + lag_ms:
        return True
    return any(
        all(timer - EARLY_MS - lag_ms <= each <= timer + clock.late_ms + lag_ms for each in (one_ms, other_ms)) for timer in clock.timers_ms
    )


def lates_differ(real: Timeline, mock: Timeline, clock: Clock, lag_ms: float) -> Iterator[Difference]:
    ours, theirs = of_kind(real, "late"), of_kind(mock, "late")
    for one, other in zip(ours, theirs, strict=False):
        if late_class(one.text, clock, lag_ms) != late_class(other.text, clock, lag_ms):
            yield Difference("late write", one.text, other.text)


def late_class(text: str, clock: Clock, lag_ms: float) -> str:
    """At once, within a second, or not at all."""
    word, *rest = text.split()
    if word != "RST":
        return text
    if clock.rst_late_ms:
        return "RST"
    if rest[0] == "before":
        return text
    return "RST now" if float(rest[1]) <= AT_ONCE_MS + lag_ms else "RST within a second"


def others_differ(real: Timeline, mock: Timeline) -> Iterator[Difference]:
    ours, theirs = of_kind(real, "others"), of_kind(mock, "others")
    for one, other in zip(ours, theirs, strict=True):
        if one.text != other.text:
            yield Difference("others", one.text, other.text)
