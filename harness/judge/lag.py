"""How late processes got to run: an upper bound that is missed on a machine that was itself late says nothing about a pool.

The judge's own lateness is that of a thread which sleeps 10 ms at a time. That of the processes it watches is what the
kernel says they waited for a processor (run delay, the second figure of schedstat), looked at as often: the worst single
wait, or a little more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

from judge.journal import Journal

TICK_S = 0.01


class LagMeter:
    def __init__(self) -> None:
        self.worst_ms = {"judge": 0.0}
        self.watched: dict[str, int] = {}  # who → process
        self.waited_ns: dict[int, int] = {}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def watch(self, who: str, pid: int) -> None:
        """From now on, with its children."""
        self.worst_ms[who] = 0.0
        self.watched[who] = pid

    def _run(self) -> None:
        due = time.monotonic() + TICK_S
        while not self.stop.wait(max(0.0, due - time.monotonic())):
            now = time.monotonic()
            self._late("judge", (now - due) * 1000)
            for who, pid in list(self.watched.items()):
                for one in family(pid):
                    self._look(who, one)
            due = now + TICK_S

    def _look(self, who: str, pid: int) -> None:
        try:
            waited_ns = int(Path(f"/proc/{pid}/schedstat").read_text().split()[1])
        except (OSError, IndexError, ValueError):
            return  # it has ended, or the kernel does not say
        if pid in self.waited_ns:
            self._late(who, (waited_ns - self.waited_ns[pid]) / 1e6)
        self.waited_ns[pid] = waited_ns

    def _late(self, who: str, ms: float) -> None:
        self.worst_ms[who] = max(self.worst_ms[who], ms)

    def end(self, journal: Journal) -> None:
        self.stop.set()
        self.thread.join()
        for who, worst_ms in self.worst_ms.items():
            journal.note("lag", of=who, max_ms=round(worst_ms, 3))


def family(pid: int) -> Iterator[int]:
    yield pid
    try:
        yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    except OSError:
        return
