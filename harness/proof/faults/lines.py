"""A program that is spoken to in JSON lines, and what becomes of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Line = dict[str, Any]
NAMELESS_S = 1  # longer than any command of a session takes


class Stuck(Exception):
    """Something that had to come did not."""


class Gone(Exception):
    """The program has ended before it was told to."""


class Lines:
    """Commands in, everything that it says kept. Its standard error goes to a file."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        with log.open("w") as err:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, text=True, bufsize=1, errors="replace",
                env={**os.environ, **(environment or {})},
            )
        self.said: list[Line] = []
        self.taken: list[Line] = []
        self.ended = False
        self.changed = threading.Condition()
        self.ids = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for text in self.process.stdout:
            try:
                line = json.loads(text)
            except ValueError:
                line = {"garbled": text}
            with self.changed:
                self.said.append(line)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def start(self, op: str, **fields: Any) -> int:
        assert self.process.stdin
        self.ids += 1
        try:
            self.process.stdin.write(json.dumps({"id": self.ids, "op": op, **fields}) + "\n")
            self.process.stdin.flush()
        except OSError:
            raise Gone(f"before {op}") from None
        return self.ids

    def wait(self, wanted: Callable[[Line], bool], what: str, within_s: float) -> Line:
        until = time.monotonic() + within_s
        with self.changed:
            while True:
                found = next((line for line in self.said if wanted(line)), None)
                if found is not None:
                    return found
                if self.ended:
                    raise Gone(f"waiting for {what}")
                if not self.changed.wait(until - time.monotonic()) and time.monotonic() >= until:
                    raise Stuck(what)

    def reply(self, number: int, what: str = "", within_s: float = 5) -> Line:
        """A command that could not even be read for want of memory is answered, too, but without its number."""

        def nameless(line: Line) -> bool:
            return line.get("id", 0) is None and not any(line is taken for taken in self.taken)

        def answers(line: Line) -> bool:
            return line.get("id") == number and "ok" in line

        what = f"the reply to {what or number}"
        try:
            return self.wait(answers, what, min(within_s, NAMELESS_S))
        except Stuck:
            line = self.wait(lambda line: answers(line) or nameless(line), what, within_s)
            self.taken.append(line)
            return line

    def forget(self) -> None:
        """What it said so far is of no use any more."""
        with self.changed:
            self.said.clear()
            self.taken.clear()

    def do(self, op: str, **fields: Any) -> Line:
        return self.reply(self.start(op, **fields), op)

    def end(self, within_s: float = 10) -> int:
        """Ends its input and waits. Returns its exit status; a hang is killed and raises Stuck."""
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Stuck("the end of the process") from None
        finally:
            with self.changed:
                self.changed.wait_for(lambda: self.ended, 5)
            self.process.stdout.close()
