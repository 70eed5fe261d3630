"""Plays a script on a raw socket: no pool, no retry, and nothing is interpreted but where an answer ends.

All connections are played side by side in one asyncio loop: most of a script is waiting."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field

from judge.differential.script import Case, Step
from judge.differential.wire import Answer, Reader

SILENCE_S = 20.0  # an answer, or room for what is sent, is waited for so long
LATE_MS, LATE_LOOK_MS = 1300, 15  # a late write is watched so long, as often
LATE = b"GET /late HTTP/1.1\r\nHost: a.test\r\n\r\n"
TCP_CLOSE = 7  # the state in which a RST leaves a connection


@dataclass(frozen=True)
class Event:
    """kind: did (the client's own step), answer, rest (bytes that frame no answer), end, late."""

    t_ms: float  # since the connection was opened
    kind: str
    text: str
    answer: Answer | None = None


@dataclass
class Timeline:
    events: list[Event] = field(default_factory=list)
    began: float = 0.0  # monotonic, s


class Client:
    """One connection. `ended` is set at its end, `news` whenever something has come."""

    def __init__(self, sock: socket.socket, timeline: Timeline) -> None:
        self.sock, self.timeline = sock, timeline
        self.methods: list[str] = []
        self.reader = Reader(self.methods)
        self.finals = 0
        self.ended = asyncio.Event()
        self.news = asyncio.Event()
        self.may_read = asyncio.Event()
        self.may_read.set()

    def note(self, kind: str, text: str, answer: Answer | None = None) -> None:
        self.timeline.events.append(Event((time.monotonic() - self.timeline.began) * 1000, kind, text, answer))

    def took(self, answers: list[Answer]) -> None:
        for answer in answers:
            self.note("answer", answer.status_line, answer)
            self.finals += not answer.interim

    async def read(self) -> None:
        """Until the end of the connection."""
        how = "EOF"
        try:
            while True:
                await self.may_read.wait()
                data = await asyncio.get_running_loop().sock_recv(self.sock, 1 << 18)
                if not data:
                    break
                self.took(self.reader.take(data))
                self.news.set()
        except OSError as err:
            how = "RST" if isinstance(err, ConnectionResetError) else f"{type(err).__name__}"
        self.took(self.reader.end())
        if self.reader.data:
            self.note("rest", f"{len(self.reader.data)} bytes")
        self.note("end", how)
        self.ended.set()
        self.news.set()

    async def until(self, condition: object, within_s: float) -> None:
        """Until condition() holds, or the end, or the bound."""
        deadline = time.monotonic() + within_s
        while not condition() and not self.ended.is_set():  # type: ignore[operator]
            self.news.clear()
            try:
                await asyncio.wait_for(self.news.wait(), max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                return

    async def step(self, step: Step) -> None:
        if step.verb == "wait":
            await asyncio.sleep(step.amount / 1000)
        elif step.verb == "late":
            await self.late()
        elif not self.ended.is_set():
            await getattr(self, "do_" + step.verb)(step)

    async def do_send(self, step: Step) -> None:
        self.note("did", step.text)
        self.methods.extend(step.methods)
        sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(self.sock, step.data))
        ending = asyncio.ensure_future(self.ended.wait())
        await asyncio.wait({sending, ending}, timeout=SILENCE_S, return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, ending):
            task.cancel()
        with suppress(OSError, asyncio.CancelledError):  # an end is the reader's to tell
            await sending

    async def do_answers(self, step: Step) -> None:
        wanted = self.finals + step.amount
        await self.until(lambda: self.finals >= wanted, SILENCE_S)
        if self.finals < wanted and not self.ended.is_set():
            self.note("answer", "silence")

    async def do_end(self, step: Step) -> None:
        await self.until(lambda: False, step.amount / 1000)
        if not self.ended.is_set():
            self.note("end", f"open after {step.amount} ms")

    async def do_fin(self, step: Step) -> None:
        self.note("did", "fin")
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    async def do_stall(self, step: Step) -> None:
        self.may_read.clear()

    async def do_read(self, step: Step) -> None:
        self.may_read.set()

    async def late(self) -> None:
        """A write behind the end. A RST that comes then leaves the socket closed, whatever its calls say."""
        if not self.ended.is_set():
            return
        self.note("did", "late")
        begun = time.monotonic()
        try:
            self.sock.send(LATE)
        except OSError:
            self.note("late", "RST before")
            return
        while (waited_ms := (time.monotonic() - begun) * 1000) < LATE_MS:
            if self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE:
                self.note("late", f"RST after {waited_ms:.0f} ms")
                return
            await asyncio.sleep(LATE_LOOK_MS / 1000)
        self.note("late", "absorbed")


async def play(case: Case, address: str) -> Timeline:
    """Opens a connection to host:port and plays the case on it. Whatever happens, it is closed."""
    host, port = address.rsplit(":", 1)
    timeline = Timeline(began=time.monotonic())
    with socket.socket() as sock:
        sock.setblocking(False)
        if any(step.verb == "stall" for step in case.steps):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
        client = Client(sock, timeline)
        reading = asyncio.ensure_future(client.read())
        try:
            for step in case.steps:
                await client.step(step)
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
    return timeline
