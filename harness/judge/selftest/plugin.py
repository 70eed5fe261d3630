"""The pytest plugin of `./run.sh test`, in the controlling process and in each of xdist's workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from judge.selftest import figures, record

DESELECTED = pytest.StashKey[int]()
PROPERTIES = pytest.StashKey[list[tuple[str, Any]]]()
PARTS = pytest.StashKey[list[record.Part]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the tests that are marked `full`, too")
    parser.addoption("--record", metavar="FILE", help="keep the verdicts of those there")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[PROPERTIES], config.stash[PARTS] = [], []
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Gatherer(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    long = [item for item in items if item.get_closest_marker("full")]
    items[:] = [item for item in items if item not in long]
    config.stash[DESELECTED] = len(long)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["deselected"] = session.config.stash.get(DESELECTED, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Of xdist: each worker has collected all tests, so that the last one's number is everybody's."""
    node.config.stash[DESELECTED] = getattr(node, "workeroutput", {}).get("deselected", 0)


class Gatherer:
    """In the controlling process: takes the reports of all tests, wherever they ran."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.config.stash[PROPERTIES].extend(report.user_properties)
        if "full" in report.keywords and (report.when == "call" or not report.passed):
            self.config.stash[PARTS].append(record.part_of(report))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        say = terminalreporter.write_line
        if left := self.config.stash.get(DESELECTED, 0):
            say(f"{left} long tests were left out: ./run.sh test --full runs them, too")
        path = self.config.getoption("--record")
        if path and self.config.stash[PARTS]:
            record.write(Path(path), self.config.stash[PARTS])
            say(f"what came of the long tests: {path}")
        say("")
        for line in figures.lines(self.config.stash[PROPERTIES]):
            say(line)
