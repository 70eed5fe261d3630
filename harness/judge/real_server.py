"""A real server in a scenario's network, in place of the mock one. It says nothing of what it sees: the wire is the only witness."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from judge.child import Child
from judge.errors import HarnessError
from judge.journal import Journal
from judge.network.network import Network
from judge.project import PYTHON, Project

START_MS = 40_000  # times --timeout-scale; it has a bound of its own
END_S = 10


class RealServer:
    """Use as a context: on leaving it no process is left. What a run of steps asks of the mock server can be asked of it, too.

    real: a scenario's: `kind`, and the server's own directives.  folder: to be made, and the caller's to remove."""

    def __init__(
        self, project: Project, real: dict[str, Any], network: Network, journal: Journal, log: Path, folder: Path, scale: float = 1,
    ) -> None:
        self.kind, self.journal, self.scale = real["kind"], journal, scale
        self.said: dict[str, Any] = {}
        program = project.root / "servers" / "real" / f"{self.kind}.py"
        directives = [f"--{name}={value}" for name, value in real.items() if name != "kind"]
        argv = [PYTHON, program, "--dir", folder, f"--host={network.address}", *directives]
        self.child = Child(network.server.within(argv), log, self._line, journal.wake)

    def _line(self, line: dict[str, Any], t: int) -> None:
        self.said = line
        self.journal.wake()

    def __enter__(self) -> RealServer:
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
