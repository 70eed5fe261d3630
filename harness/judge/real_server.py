"""A real server (servers/real/KIND.py) in place of the mock one: in this process, or by its program in a network namespace. It says
nothing of what it sees."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, Self

from judge.child import Child
from judge.errors import HarnessError
from judge.journal import Journal
from judge.network.namespace import NetNamespace
from judge.project import PYTHON, Project
from servers.real import _process

START_MS = 40_000  # times --timeout-scale; it has a bound of its own
END_S = 10


def class_of(kind: str) -> type[_process.RealServer]:
    return getattr(importlib.import_module(f"servers.real.{kind}"), kind.capitalize())


@contextmanager
def running(real: dict[str, Any], folder: Path) -> Iterator[_process.RealServer]:
    """In this process's network. real: a scenario's: `kind`, and the server's own directives.  folder: to be made, and the caller's to
    remove.  Raises HarnessError where it does not start."""
    directives = {name: value for name, value in real.items() if name != "kind"}
    try:
        with class_of(real["kind"])(directives, folder) as server:
            yield server
    except _process.RealServerError as err:
        raise HarnessError(str(err)) from None


class RealServer:
    """In a namespace. Use as a context: on leaving it no process is left. What a run of steps asks of the mock server can be
    asked of it, too.

    real, folder: as of `running`.  host: where it listens."""

    def __init__(
        self, project: Project, real: dict[str, Any], namespace: NetNamespace, host: str, journal: Journal, log: Path, folder: Path,
        scale: float = 1,
    ) -> None:
        self.kind, self.journal, self.scale = real["kind"], journal, scale
        self.said: dict[str, Any] = {}
        program = project.root / "servers" / "real" / f"{self.kind}.py"
        directives = [f"--{name}={value}" for name, value in real.items() if name != "kind"]
        argv = [PYTHON, program, "--dir", folder, f"--host={host}", *directives]
        self.child = Child(namespace.within(argv), log, self._line, journal.wake)

    def _line(self, line: dict[str, Any], t: int) -> None:
        self.said = line
        self.journal.wake()

    def __enter__(self) -> Self:
        try:
            self.journal.wait(lambda: self.said or self.child.trouble, START_MS * self.scale)
            if not self.said.get("ok"):
                raise HarnessError(f"{self.kind} did not start: {self.said.get('err') or self.child.obituary()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.child.finish(END_S)

    @property
    def address(self) -> str:
        return self.said["address"]

    def settle(self) -> None:
        """What is on the wire is told as it is seen there."""

    def close_books(self) -> None:
        """It keeps none."""

    def call(self, op: str, **fields: Any) -> NoReturn:
        raise HarnessError(f"{self.kind} {self.child.trouble or 'cannot be told anything'} at {op}: {self.child.obituary()}")
