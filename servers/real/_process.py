"""What every real server has in common: it runs as a child of ours, in a folder of its own, and is gone afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

LOOPBACK = "127.0.0.1"
STOPS = (signal.SIGINT, signal.SIGTERM)
START_SECONDS = 30.0
STOP_SECONDS = 5.0


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C and SIGTERM come afterwards: a process that is started just then would be nobody's. Only the main thread gets them."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.signal(number, lambda sent, _: came.append(sent)) for number in STOPS if signal.getsignal(number)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)


class RealServerError(Exception):
    """One sentence: what kept a real server from running."""


class RealServer:
    """Starts in `with`, listens at `address`, and is gone afterwards, whatever happened in between.

    `directives` are the server's own, by their own names; `directory` is made where it is missing, and is the caller's to remove;
    `host` is the address to listen at.
    """

    NAME = ""
    ORDERS: tuple[str, ...] = ()  # what it can be told

    def __init__(self, directives: Mapping[str, object], directory: Path, host: str = LOOPBACK) -> None:
        self.directives = directives
        self.directory = directory
        self.host = host
        self.address = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Returns the address. For `with`: a second start would leave the first server to nobody."""
        if self._process is not None:
            raise RealServerError(f"this {self.NAME} has been started already")
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise
        return self.address

    def _launch(self) -> None:
        """Starts the process and sets the address; returns when it listens."""
        raise NotImplementedError

    def _spawn(self, argv: list[str], **streams: int) -> subprocess.Popen[bytes]:
        """Ctrl-C on a terminal is for us alone: hence the process group."""
        with uninterrupted():
            self._process = subprocess.Popen(argv, process_group=0, **streams)
        return self._process

    def order(self, name: str) -> None:
        """Tells the server as a whole, by one of ORDERS."""
        raise NotImplementedError

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def serve_until_end_of_input(server: type[RealServer], name_of: Callable[[str], str], arguments: list[str]) -> int:
    """The program of a real server: --dir FOLDER, --host=ADDRESS (of a network namespace; loopback), --NAME=VALUE..., one JSON line,
    and its end with that of standard input."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a signal to us must not leave the server behind
    at = arguments.index("--dir")
    directory, options = Path(arguments[at + 1]), arguments[:at] + arguments[at + 2 :]
    pairs = {name: value for name, _, value in (option.removeprefix("--").partition("=") for option in options)}
    host = pairs.pop("host", LOOPBACK)
    try:
        with server({name_of(name): value for name, value in pairs.items()}, directory, host) as running:
            print(json.dumps({"ok": True, "address": running.address}), flush=True)
            sys.stdin.read()
    except RealServerError as error:
        print(json.dumps({"ok": False, "err": str(error)}), flush=True)
        return 1
    return 0
