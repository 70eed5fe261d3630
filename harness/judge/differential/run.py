"""A differential run: all cases side by side, the comparison, and what is told of it."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from judge.differential import deliberate, generate, sides
from judge.differential.compare import Difference, compare
from judge.differential.lag import Lag
from judge.differential.play import Timeline, play
from judge.differential.script import Case, read_cases
from judge.errors import HarnessError, UsageError
from judge.known_failing import Entry, load_known
from judge.names import nearest
from judge.project import Project

AT_A_TIME = 100  # most of a case is waiting
PLAYS = 4  # of one case, where player or server were too late to keep apart what the script does, and it differs


@dataclass(frozen=True)
class Outcome:
    case: Case
    real: Timeline
    mock: Timeline
    differences: list[Difference]
    unexplained: list[Difference]
    lag_ms: float
    disturbed: bool  # player or server were late: a difference says nothing
    plays: int = 1


@dataclass
class Played:
    outcomes: list[Outcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # about the list of deliberate differences

    @property
    def troubled(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.unexplained and not one.disturbed]

    @property
    def unclear(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.unexplained and one.disturbed]


def written_cases(kind: str) -> list[Case]:
    return read_cases(sides.CASES / kind, frozenset(sides.read_configurations(kind)))


def deliberate_entries(kind: str) -> list[Entry]:
    return load_known(sides.CASES / f"{kind}.deliberate")


def select(kind: str, names: Sequence[str], seed: int, count: int, full: bool) -> list[Case]:
    """Those that the names mean, or all written ones and `count` random ones. Long ones under `full`, or by name."""
    known = {case.name: case for case in written_cases(kind)}
    if not names:
        written = [case for case in known.values() if full or not case.long]
        return [*written, *(generate.random_case(kind, seed, number) for number in range(1, count + 1))]
    found: dict[str, Case] = {}
    for name in names:
        number = name.removeprefix(generate.PREFIX)
        if name != number and number.isdigit():
            matches = [generate.random_case(kind, seed, int(number))]
        else:
            matches = [case for case in known.values() if fnmatchcase(case.name, name)]
        if not matches:
            raise UsageError(f'no case of {kind} is called or matches "{name}"{nearest(name, known)}')
        found |= {case.name: case for case in matches}
    return list(found.values())


def run(
    project: Project, kind: str, cases: Sequence[Case], at_a_time: int = AT_A_TIME, scale: float = 1.0,
    mock_kind: str | None = None, told: Callable[[Outcome], None] = lambda _: None,
) -> Played:
    """Plays them all. `told` is called with each outcome as it comes. Leaves no process and no folder behind."""
    entries = deliberate_entries(kind)
    played = Played()

    def take(outcome: Outcome) -> None:
        played.outcomes.append(outcome)
        told(outcome)

    with (
        tempfile.TemporaryDirectory(prefix="poolspec-differential-") as scratch,
        sides.started(project, kind, cases, Path(scratch), mock_kind) as pairs,
    ):
        asyncio.run(play_all(kind, cases, pairs, at_a_time, scale, entries, take))
    found = {one.case.name: one.differences for one in played.outcomes}
    played.problems = deliberate.rotten(found, [case.name for case in written_cases(kind)] + list(found), entries)
    return played


async def play_all(
    kind: str, cases: Iterable[Case], pairs: dict[tuple[str, bool], sides.Pair], at_a_time: int, scale: float,
    entries: Sequence[Entry], take: Callable[[Outcome], None],
) -> None:
    lag, crowd = Lag(), asyncio.Semaphore(at_a_time)
    alone = {name: asyncio.Lock() for name, _ in pairs}
    configurations = sides.read_configurations(kind)

    async def once(case: Case) -> Outcome:
        pair, begun = pairs[sides.key_of(case)], time.monotonic()
        real, mock = await asyncio.gather(play(case, pair.real), play(case, pair.mock))
        await asyncio.sleep(0)  # so that the player's lateness of just now is known, too
        lag_ms = (lag_of(lag, pair.real, real) + lag_of(lag, pair.mock, mock)) * scale
        differences = compare(real, mock, configurations[case.server].clock(kind), lag_ms)
        unexplained = deliberate.unexplained(case.name, differences, entries)
        disturbed = lag.disturbed((pair.real, pair.mock), begun, time.monotonic())
        return Outcome(case, real, mock, differences, unexplained, lag_ms, disturbed)

    async def one(case: Case) -> None:
        async with alone[case.server] if case.alone else crowd:
            try:
                outcome, plays = await once(case), 1
                while outcome.unexplained and outcome.disturbed and plays < PLAYS:
                    outcome, plays = await once(case), plays + 1
            except OSError as err:
                raise HarnessError(f"{case.name}: a server cannot be talked to: {err.strerror}") from None
            take(replace(outcome, plays=plays))

    watched = [address for (_, is_alone), pair in pairs.items() if not is_alone for address in (pair.real, pair.mock)]
    with lag.watching(watched):
        tasks = [asyncio.ensure_future(one(case)) for case in sorted(cases, key=lambda case: (not case.alone, -case.budget_ms))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()


def lag_of(lag: Lag, address: str, timeline: Timeline) -> float:
    """The worst lateness of player and server around what a timeline saw, in ms."""
    return lag.around_ms(address, [timeline.began + event.t_ms / 1000 for event in timeline.events])


class Progress:
    """The line that is overwritten, on a terminal."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.troubled = total, 0, 0
        self.live = sys.stderr.isatty()

    def __call__(self, outcome: Outcome) -> None:
        self.done += 1
        self.troubled += bool(outcome.unexplained)
        self.say(f"{self.done}/{self.total}" + (f", {self.troubled} differ" if self.troubled else "") + f"  {outcome.case.name}")

    def say(self, text: str) -> None:
        if self.live:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
