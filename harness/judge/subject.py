"""A subject: the adapter of a connection pool, spoken to as PROTOCOL.md says."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.child import Child
from judge.errors import SubjectError, UsageError
from judge.journal import Journal
from judge.names import nearest
from judge.network.namespace import NetNamespace
from judge.project import PYTHON, Project
from judge.table import shown

PROTOCOL = "subject/1"
RUNNERS = {".py": (PYTHON,), ".sh": ("/bin/bash",), ".js": ("node",), ".mjs": ("node",), ".rb": ("ruby",), ".pl": ("perl",)}
NOT_ADAPTERS = {".known-failing", ".md", ".h", ".txt", ".json", ".toml", ".lock"}
HELLO_MS, QUIT_MS, WRITE_MS = 15_000, 5_000, 15_000  # times --timeout-scale
SHOWN_BYTES = 1000  # of what is sent; the trace keeps no more


@dataclass(frozen=True)
class Adapter:
    """How a subject is started, and where its list of known failures would be."""

    name: str
    argv: tuple[str, ...]
    known_failing: Path


def adapters(project: Project) -> list[str]:
    """The names of all subjects."""
    found = {
        path.stem if path.is_file() else path.name
        for path in project.subjects.glob("*")
        if path.suffix not in NOT_ADAPTERS and not path.name.startswith((".", "_"))
    }
    return sorted(found)


def find_adapter(name: str, project: Project) -> Adapter:
    """By its name, or any program by a path with a slash in it."""
    if "/" in name:
        path = Path(name)
        if not path.is_file():
            raise UsageError(f'unknown subject "{name}": there is no such file')
        return Adapter(path.stem, command(path, project), path.with_suffix(".known-failing"))
    known = adapters(project)
    if name not in known:
        raise UsageError(f'unknown subject "{name}"{nearest(name, known)}')
    listed = project.subjects / f"{name}.known-failing"
    folder = project.subjects / name
    if folder.is_dir() and any(folder.glob("*.c")):
        return Adapter(name, (str(project.program(name)),), listed)
    candidates = sorted(folder.glob("adapter*")) if folder.is_dir() else sorted(project.subjects.glob(f"{name}.*"))
    programs = [path for path in candidates if path.suffix not in NOT_ADAPTERS]
    if not programs:
        raise UsageError(f'subject "{name}" has no adapter: {shown(folder)} holds no file adapter.*')
    return Adapter(name, command(programs[0], project), listed)


def command(path: Path, project: Project) -> tuple[str, ...]:
    if path.suffix == ".c":
        return (str(project.program(path.stem)),)
    if path.suffix in RUNNERS:
        return (*RUNNERS[path.suffix], str(path))
    if not os.access(path, os.X_OK):
        raise UsageError(f"{path} is no program: not executable, and of no known language ({', '.join(RUNNERS)})")
    return (str(path.resolve()),)


class Subject:
    """Use as a context: on leaving it nothing of the adapter is left. Replies go to the journal.

    namespace: the network namespace to run in; None: the machine's."""

    def __init__(
        self, adapter: Adapter, journal: Journal, log: Path, scale: float = 1, namespace: NetNamespace | None = None,
    ) -> None:
        self.adapter, self.journal, self.scale = adapter, journal, scale
        self.ids = itertools.count(1)
        self.asked: dict[int, str | None] = {}  # the label of each command that is not answered yet
        self.replies: dict[int, dict[str, Any]] = {}
        self.hello: dict[str, Any] | None = None
        try:
            argv = namespace.within(adapter.argv) if namespace else adapter.argv
            self.child = Child(argv, log, self._line, journal.wake)
        except OSError as err:
            raise SubjectError(f"subject {adapter.name} cannot be started: {err.strerror}: {adapter.argv[0]}") from None

    def __enter__(self) -> Subject:
        return self

    def __exit__(self, *exc: object) -> None:
        self.child.kill()
        self.child.finish(5)

    def _line(self, line: dict[str, Any], t: int) -> None:
        if self.hello is None:
            if line.get("protocol") != PROTOCOL or not all(isinstance(line.get(key), list) for key in ("level", "features")):
                return self.child.fail(f"does not speak {PROTOCOL}: its first line is {str(line)[:120]}")
            self.hello = line
            return self.journal.wake()
        number = line.get("id")
        if number not in self.asked or not isinstance(line.get("ok"), bool):
            return self.child.fail(f"sends a line that answers nothing: {str(line)[:120]}")
        reply = {"t": t, "who": "subject", "ev": "reply", "label": self.asked.pop(number), **line}
        self.replies[number] = reply
        self.journal.add(reply)

    def meet(self) -> dict[str, Any]:
        """Its first line."""
        self.journal.wait(lambda: self.hello or self.child.trouble, HELLO_MS * self.scale)
        if self.hello is None:
            raise self.error("does not say who it is")
        return self.hello

    def ask(self, op: str, label: str | None = None, **fields: Any) -> int:
        """Writes one command and returns its id."""
        number = next(self.ids)
        self.asked[number] = label
        self._note(number, op, label, fields)
        self.child.send({"id": number, "op": op, **fields}, WRITE_MS * self.scale / 1000)
        return number

    def ask_batch(self, commands: list[tuple[str, str | None, dict[str, Any]]], label: str | None) -> list[int]:
        """A batch: the ids of its commands, and last its own."""
        numbers = [next(self.ids) for _ in range(len(commands) + 1)]
        self.asked.update(zip(numbers, [*(one[1] for one in commands), label], strict=True))
        lines = []
        for number, (op, own, fields) in zip(numbers, commands, strict=False):
            lines.append({"id": number, "op": op, **fields})
            self._note(number, op, own, {**fields, "batch": numbers[-1]})
        self._note(numbers[-1], "batch", label, {})
        self.child.send({"id": numbers[-1], "op": "batch", "commands": lines}, WRITE_MS * self.scale / 1000)
        return numbers

    def _note(self, number: int, op: str, label: str | None, fields: dict[str, Any]) -> None:
        token = fields.pop("token", None)  # the judge's, not the subject's
        data = fields.get("data")
        if isinstance(data, str) and len(data) > SHOWN_BYTES:
            fields = {**fields, "data": f"{data[:SHOWN_BYTES]}... ({len(data)} bytes)"}
        self.journal.note("command", id=number, op=op, label=label, **fields, **({"token": token} if token else {}))

    def reply(self, number: int, within_ms: float) -> dict[str, Any]:
        """The reply to a command. A subject that gives none in time has failed."""
        self.journal.wait(lambda: self.replies.get(number) or self.child.trouble, within_ms)
        if number not in self.replies:
            raise self.error(f"does not answer command {number} within {within_ms:.0f} ms")
        return self.replies[number]

    def quit(self) -> None:
        """The last command. Anything but exit status 0 is the subject's failure."""
        self.child.leaving = True
        self.ask("quit")
        status = self.child.finish(QUIT_MS * self.scale / 1000)
        if status != 0:
            late = f"does not end within {QUIT_MS * self.scale:.0f} ms of quit"
            raise self.error(late if status is None else "did not end well")

    def error(self, otherwise: str) -> SubjectError:
        return SubjectError(f"subject {self.adapter.name} {self.child.trouble or otherwise}: {self.child.obituary()}")
