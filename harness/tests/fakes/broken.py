"""Subjects that are no subjects: each breaks the protocol, or breaks down, in its own way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pool import Adapter, Pool


class Broken(Adapter):
    """Right until the first `send`; then `happen`."""

    def __init__(self) -> None:
        super().__init__(Pool())

    def command(self, line: dict[str, Any], batch: bool = False) -> None:
        if line["op"] == "send":
            self.happen()
        super().command(line, batch)

    def happen(self) -> None:
        pass


class Crashes(Broken):
    def happen(self) -> None:
        sys.exit("segmentation of a fault\nthe last words")


class Killed(Broken):
    def happen(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


class Hangs(Broken):
    def happen(self) -> None:
        time.sleep(1000)


class SpeaksNoJson(Broken):
    def happen(self) -> None:
        print("Hello, world", flush=True)


class FloodsALine(Broken):
    def happen(self) -> None:
        while True:
            os.write(1, b"x" * 65536)


class FloodsLines(Broken):
    def happen(self) -> None:
        while True:
            self.say({"id": 999, "ok": True})


class FloodsItsLog(Broken):
    def happen(self) -> None:
        while True:
            os.write(2, (b"n" * 1023 + b"\n") * 64)


class ClosesItsOutput(Broken):
    def happen(self) -> None:
        os.close(1)
        time.sleep(1000)


class AnswersTwice(Broken):
    def answer(self, line: dict[str, Any], reply: dict[str, Any]) -> None:
        super().answer(line, reply)
        super().answer(line, reply)


class KillsTheServer(Broken):
    def happen(self) -> None:
        parent = os.getppid()
        for child in Path(f"/proc/{parent}/task").glob("*/children"):
            for pid in map(int, child.read_text().split()):
                if Path(f"/proc/{pid}/comm").read_text().strip() == "server":
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)


class LeavesAChild(Broken):
    def happen(self) -> None:
        subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
        sys.exit("leaving")


class EndsBadly(Broken):
    def run(self) -> int:
        super().run()
        return 7


class NeverEnds(Broken):
    def run(self) -> int:
        super().run()
        time.sleep(1000)
        return 0


class Silent(Broken):
    def run(self) -> int:
        time.sleep(1000)
        return 0


class SpeaksAnotherProtocol(Broken):
    def run(self) -> int:
        self.say({"protocol": "subject/9", "name": "fake"})
        time.sleep(1000)
        return 0


class KillsTheJudge(Broken):
    def happen(self) -> None:
        os.kill(os.getppid(), signal.SIGKILL)
