"""A differential run: all cases side by side, the comparison, and what is told of it."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from judge.differential import deliberate, generate, sides
from judge.differential.compare import Difference, compare
from judge.differential.lag import Lag, ask, host_and_port
from judge.differential.play import Server, Timeline, play
from judge.differential.script import Case, read_cases
from judge.errors import HarnessError, UsageError
from judge.known_failing import Entry, load_known
from judge.names import nearest
from judge.progress import progress
from judge.project import Project

AT_A_TIME = 100  # most of a case is waiting
APART_S = 0.01  # a hundred that begin at once make one another late
DISTURBED_MS = 80  # a little less than scripts keep clear of timers, and of what comes of itself (generate.SETTLE_MS)


@dataclass(frozen=True)
class Outcome:
    case: Case
    real: Timeline
    mock: Timeline
    differences: list[Difference]
    unexplained: list[Difference]
    lag_ms: float
    late_ms: float  # the worst of player and servers, meanwhile

    @property
    def disturbed(self) -> bool:
        """A difference says nothing then. It is not played again: what differs now and then would be lost."""
        return self.late_ms >= DISTURBED_MS


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
    return read_cases(sides.CASES / kind, frozenset(sides.read_configurations(kind)), sides.orders(kind))


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
    kind: str, cases: Iterable[Case], pairs: dict[tuple[str, str], sides.Pair], at_a_time: int, scale: float,
    entries: Sequence[Entry], take: Callable[[Outcome], None],
) -> None:
    lag, crowd, door = Lag(), asyncio.Semaphore(at_a_time), asyncio.Lock()
    alone = {name: asyncio.Lock() for name, _ in pairs}
    configurations = sides.read_configurations(kind)

    async def once(case: Case) -> Outcome:
        pair, begun = pairs[sides.key_of(case)], time.monotonic()
        real, mock = await asyncio.gather(*(play(case, server_of(case, side)) for side in (pair.real, pair.mock)))
        await asyncio.sleep(0)  # so that the player's lateness of just now is known, too
        lag_ms = (lag_of(lag, pair.real.address, real) + lag_of(lag, pair.mock.address, mock)) * scale
        differences = compare(real, mock, configurations[case.server].clock(kind), lag_ms)
        unexplained = deliberate.unexplained(case.name, differences, entries)
        addresses = (pair.real.address, pair.mock.address)
        late_ms = max(lag.worst_ms(addresses, begun, time.monotonic()), real.behind_ms, mock.behind_ms)
        return Outcome(case, real, mock, differences, unexplained, lag_ms, late_ms)

    async def one(case: Case) -> None:
        async with alone[case.server] if sides.key_of(case)[1] == sides.ALONE else crowd:
            async with door:
                await asyncio.sleep(APART_S)
            try:
                outcome = await once(case)
            except OSError as err:
                raise HarnessError(f"{case.name}: a server cannot be talked to: {err.strerror}") from None
            take(outcome)

    watched = [side.address for (_, whose), pair in pairs.items() if whose == sides.EVERYBODY for side in (pair.real, pair.mock)]
    with lag.watching(watched):
        tasks = [asyncio.ensure_future(one(case)) for case in sorted(cases, key=lambda case: (not case.alone, -case.budget_ms))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()


def server_of(case: Case, side: sides.Side) -> Server:
    """One that all talk to may be asked: so a wait is over when it has seen what was sent."""

    async def settle() -> None:
        if sides.key_of(case)[1] == sides.EVERYBODY:
            await ask(side.address)

    return Server(host_and_port(side.address), side.order, settle)


def lag_of(lag: Lag, address: str, timeline: Timeline) -> float:
    """The worst lateness of player and server around what a timeline saw, in ms."""
    return lag.around_ms(address, [timeline.began + event.t_ms / 1000 for event in timeline.events])


class Progress:
    """The line that is overwritten, on a terminal."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.troubled = total, 0, 0

    def __call__(self, outcome: Outcome) -> None:
        self.done += 1
        self.troubled += bool(outcome.unexplained)
        progress(f"{self.done}/{self.total}" + (f", {self.troubled} differ" if self.troubled else "") + f"  {outcome.case.name}")
