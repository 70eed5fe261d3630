"""A child process that is spoken to in JSON objects, one a line: a server or a subject's adapter.

It gets a process group of its own, so that Ctrl-C reaches the judge alone and the judge can end the child with all that it
started."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LINE_BYTES_MAX = 16 << 20
LOG_BYTES_MAX = 1 << 20  # of standard error that is kept from the beginning; of what follows, the last lines
LOG_FLOOD_BYTES = 64 << 20
TAIL_LINES, TAIL_CHARS = 12, 300
DEATH_S = 0.5  # between the end of a process's output and its own


class Child:
    """on_line is called by the reading thread with each object and the time at which it was read. What goes wrong is found in
    `trouble`, a phrase; then on_trouble is called."""

    def __init__(
        self, argv: Sequence[str | Path], log: Path,
        on_line: Callable[[dict[str, Any], int], None], on_trouble: Callable[[], None],
    ) -> None:
        self.on_line, self.on_trouble = on_line, on_trouble
        self.trouble: str | None = None
        self.leaving = False  # from when its end is expected
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.process = subprocess.Popen(
            [str(part) for part in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0,
        )
        os.set_blocking(self.process.stdin.fileno(), False)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.logger = threading.Thread(target=self._log, args=(log,), daemon=True)
        self.reader.start()
        self.logger.start()

    def send(self, line: dict[str, Any], within_s: float) -> None:
        """Writes one line. A child that does not read in time, or is gone, is in trouble; nothing is raised."""
        data = memoryview((json.dumps(line, ensure_ascii=False) + "\n").encode())
        deadline = time.monotonic() + within_s
        pipe = self.process.stdin.fileno()
        while data:
            _, ready, _ = select.select([], [pipe], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return self.fail("does not read its standard input")
            try:
                data = data[os.write(pipe, data):]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                return self.fail("has closed its standard input")

    def fail(self, trouble: str) -> None:
        self.trouble = self.trouble or trouble
        self.on_trouble()

    def _read(self) -> None:
        with self.process.stdout as pipe:
            while line := pipe.readline(LINE_BYTES_MAX):
                t = time.monotonic_ns()
                if self.trouble:
                    continue  # drained, so that it can end
                try:
                    parsed = json.loads(line)
                except ValueError:
                    parsed = None
                if isinstance(parsed, dict):
                    self.on_line(parsed, t)
                elif len(line) >= LINE_BYTES_MAX:
                    self.fail(f"floods its standard output: a line of more than {LINE_BYTES_MAX >> 20} MiB")
                else:
                    self.fail(f"prints what is no JSON object: {line[:120]!r}")
        if not self.leaving:
            self.fail("ended" if self.wait(DEATH_S) is not None else "has closed its standard output")

    def _log(self, log: Path) -> None:
        """Keeps standard error: its beginning in the file, its end in `tail`. A log that cannot be written does not stop a
        run."""
        kept = 0
        with self.process.stderr as pipe:
            try:
                out = log.open("wb")
            except OSError:
                out = None
            while line := pipe.readline(1 << 16):
                self.tail.append(line.decode(errors="replace").rstrip()[:TAIL_CHARS])
                kept += len(line)
                try:
                    if out and kept <= LOG_BYTES_MAX:
                        out.write(line)
                except OSError:
                    out = None
                if kept > LOG_FLOOD_BYTES:
                    self.fail(f"floods its standard error: more than {LOG_FLOOD_BYTES >> 20} MiB")
                    self.kill()
            if out:
                if kept > LOG_BYTES_MAX:
                    out.write(b"[...]\n" + "\n".join(self.tail).encode() + b"\n")
                out.close()

    def wait(self, within_s: float) -> int | None:
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """The whole group: also what the child has started and left behind."""
        self.leaving = True
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def finish(self, within_s: float) -> int | None:
        """Waits for it to end by itself, then makes sure. Its exit status (None: it had to be killed)."""
        self.leaving = True
        with suppress(OSError):
            self.process.stdin.close()
        status = self.wait(within_s)
        self.kill()
        self.process.wait()
        self.reader.join(5)
        self.logger.join(5)
        return status

    def obituary(self) -> str:
        """How it ended and the last lines of its log."""
        status = self.wait(0)
        how = "still running" if status is None else ending(status)
        return how + (", its log ends: " + " | ".join(self.tail) if self.tail else ", its log is empty")


def ending(status: int) -> str:
    """How a process ended, in words."""
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
