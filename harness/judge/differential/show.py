"""A difference as text: what differs, both timelines side by side, and the command that repeats it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from judge.differential.compare import Difference
from judge.differential.play import Event, Timeline
from judge.differential.script import Case

COLUMN = 62


def difference_text(
    kind: str, case: Case, real: Timeline, mock: Timeline, differences: Sequence[Difference], again: str,
    against: str | None = None,
) -> str:
    """`against`: a behaviour that stands in for the one called like the kind, or "real"."""
    other = f"the real {kind}, once more" if against == "real" else f"the behaviour {against or kind}"
    lines = [f"{kind} {case.name}, server {case.server}{' (alone)' if case.alone else ''}", "    script:"]
    lines += [f"        {step.text}" for step in case.steps]
    lines += ["    differs:", *(f"        {one}" for one in differences)] if differences else []
    lines += ["", *(f"    {row}" for row in side_by_side(f"the real {kind}", real, other, mock))]
    return "\n".join([*lines, f"    again:  {again}"])


def side_by_side(left_name: str, left: Timeline, right_name: str, right: Timeline) -> list[str]:
    """The steps that the client took in both are in one row; what came in between fills up its own column."""
    rows = [f"{left_name:<{COLUMN}}  {right_name}"]
    for mine, other in zip_longest(blocks(left), blocks(right), fillvalue=()):
        for one, another in zip_longest(mine, other):
            rows.append(f"{event_text(one):<{COLUMN}}  {event_text(another)}".rstrip())
    return rows


def blocks(timeline: Timeline) -> list[list[Event]]:
    """Cut before each step of the client's."""
    cut: list[list[Event]] = [[]]
    for event in timeline.events:
        if event.kind == "did":
            cut.append([])
        cut[-1].append(event)
    return cut


def event_text(event: Event | None) -> str:
    if event is None:
        return ""
    said = event.text
    if (answer := event.answer) is not None:
        size = "" if answer.length is None else f" {answer.length}"
        parts = [answer.status_line, answer.framing + size, *([answer.body] if answer.body else [])]
        parts += [f"{name}: {value}" for name, value in (("C", answer.connection), ("KA", answer.keep_alive)) if value]
        parts += [] if answer.whole else ["cut"]
        said = ", ".join(parts)
    mark = {"did": ">", "answer": "<", "rest": "<"}.get(event.kind, "=")
    text = f"{event.t_ms:8.1f} {mark} {said}"
    return text if len(text) <= COLUMN else text[: COLUMN - 1] + "…"
