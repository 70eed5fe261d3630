"""The servers of a differential run: for each configuration a real one and the behaviour that imitates it.

cases/KIND.toml has a table for each configuration: `real`, directives as servers/real/KIND.py takes them, and `mock`, options of
the behaviour KIND."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from judge.differential.compare import Clock
from judge.differential.script import Case
from judge.journal import Journal
from judge.project import Project
from judge.real_server import class_of, running
from judge.servers import Servers
from judge.table import Table

CASES = Path(__file__).with_name("cases")
INHERITED = ("keepalive_timeout_ms", "header_timeout_s", "keepalive_requests", "keepalive_time_ms")  # by nginx's location /more
EVERYBODY, ALONE = "", "alone"
LATE_MS = {"nginx": 50.0, "tomcat": 1100.0}  # nginx's timers are exact; Tomcat looks at its own about once a second
RST_LATE_MS = {"nginx": 0.0, "tomcat": 1000.0}
STOP_LATE_MS = {"nginx": 0.0, "tomcat": 700.0}


def kinds() -> list[str]:
    return sorted(path.stem for path in CASES.glob("*.toml"))


@dataclass(frozen=True)
class Configuration:
    name: str
    real: dict[str, Any]
    mock: dict[str, Any]

    def clock(self, kind: str) -> Clock:
        timers = {float(value) for key, value in self.mock.items() if key.endswith("_ms") and value > 0}
        resets = "connection_linger_s" in self.mock  # behind its timers, too
        return Clock(LATE_MS[kind] + (RST_LATE_MS[kind] if resets else 0), tuple(sorted(timers)), RST_LATE_MS[kind], STOP_LATE_MS[kind])


def read_configurations(kind: str) -> dict[str, Configuration]:
    whole, found = Table.load(CASES / f"{kind}.toml"), {}
    for name in whole.data:
        table = whole.child(f"[{name}]", whole.data[name])
        mock = table.take("mock", dict, {})
        inherited = {f"more_{option}": mock[option] for option in INHERITED if option in mock}
        found[name] = Configuration(name, table.take("real", dict, {}), inherited | mock)
        table.end()
    return found


@dataclass(frozen=True)
class Side:
    address: str  # host:port
    order: Callable[[str], object]  # tells the server as a whole; returns when it is doing so


@dataclass(frozen=True)
class Pair:
    real: Side
    mock: Side


def key_of(case: Case) -> tuple[str, str]:
    """What cases have in common that share servers: the configuration, and whose they are."""
    return case.server, case.name if case.own else ALONE if case.alone else EVERYBODY


@contextmanager
def started(
    project: Project, kind: str, cases: Iterable[Case], folder: Path, mock_kind: str | None = None
) -> Iterator[dict[tuple[str, str], Pair]]:
    """The servers that the cases ask for. Real ones write into `folder`; all are gone afterwards. `mock_kind`: another behaviour
    than the one called like the real server, or "real": the real one a second time, to see what a comparison is worth."""
    configurations = read_configurations(kind)
    with ExitStack() as stack:
        mocks = stack.enter_context(Servers(project, Journal(), folder / "mock.log"))
        pairs = {}
        for name, whose in sorted({key_of(case) for case in cases}):
            configuration, where = configurations[name], "-".join([name, *whose.split("/")]).strip("-")
            real = stack.enter_context(warm_server(kind, configuration.real, folder / where))
            if mock_kind == "real":
                mock = stack.enter_context(warm_server(kind, configuration.real, folder / f"{where}-2"))
            else:
                mock = listening(mocks, where, kind, configuration, mock_kind)
            pairs[name, whose] = Pair(real, mock)
        yield pairs


def listening(mocks: Servers, where: str, kind: str, configuration: Configuration, mock_kind: str | None) -> Side:
    """One of another behaviour knows nothing of the kind's orders, and that it goes on as before is the difference."""
    behaviours = [{"name": mock_kind} if mock_kind else {"name": kind, **configuration.mock}]
    address = mocks.listen(where, "127.0.0.1:0", behaviours=behaviours, trace="counters")
    return Side(address, lambda order: None if mock_kind else mocks.call("order", name=where, order=order))


@contextmanager
def warm_server(kind: str, directives: dict[str, Any], folder: Path) -> Iterator[Side]:
    """A real one. A Java machine loads classes with its first requests: 200 ms that no later answer takes."""
    with running({"kind": kind, **directives}, folder) as server:
        for _ in range(3):
            with closing(HTTPConnection(server.address, timeout=30)) as client:
                client.request("GET", "/ok", headers={"Connection": "close"})
                client.getresponse().read()
        yield Side(server.address, server.order)


def orders(kind: str) -> tuple[str, ...]:
    """What a server of that kind can be told."""
    return class_of(kind).ORDERS
