"""Plays a script on a raw socket: no pool, no retry, and nothing is interpreted but where an answer ends.

All connections are played side by side in one asyncio loop: most of a script is waiting."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import takewhile

from judge.differential.crowd import Crowd
from judge.differential.script import BESIDE, Case, Step
from judge.differential.wire import Answer, Reader

SILENCE_S = 20.0  # an answer, or room for what is sent, is waited for so long
LATE_MS, LATE_LOOK_MS = 1300, 15  # a late write is watched so long, as often
LATE = b"GET /late HTTP/1.1\r\nHost: a.test\r\n\r\n"
TCP_CLOSE = 7  # the state in which a RST leaves a connection


@dataclass(frozen=True)
class Event:
    """kind: did (the client's own step), sent (the end of one that took a while), answer, rest (bytes that frame no answer), end,
    late, others (what has become of these)."""

    t_ms: float  # since the connection was opened
    kind: str
    text: str
    answer: Answer | None = None


@dataclass
class Timeline:
    events: list[Event] = field(default_factory=list)
    began: float = 0.0  # monotonic, s
    behind_ms: float = 0.0  # in all, so much more time has passed than the script's steps take


@dataclass(frozen=True)
class Server:
    """What a script is played to. `order` tells it as a whole, and blocks until it is doing so. `settle` returns when it has seen all
    that was sent before, however late it is; where nobody else may talk to it, at once."""

    address: tuple[str, int]
    order: Callable[[str], object]
    settle: Callable[[], Awaitable[None]]


class Client:
    """One connection. `ended` is set at its end, `news` whenever something has come."""

    def __init__(self, sock: socket.socket, timeline: Timeline, server: Server, crowd: Crowd) -> None:
        self.sock, self.timeline, self.server, self.crowd = sock, timeline, server, crowd
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
        if step.verb in ("wait", "late", *BESIDE) or not self.ended.is_set():
            await getattr(self, "do_" + step.verb)(step)

    async def do_wait(self, step: Step) -> None:
        begun = time.monotonic()
        await asyncio.sleep(step.amount / 1000)
        await self.server.settle()
        self.timeline.behind_ms += (time.monotonic() - begun) * 1000 - step.amount

    async def do_send(self, step: Step) -> None:
        self.note("did", step.text)
        self.methods.extend(step.methods)
        with suppress(OSError):  # an end is the reader's to tell
            try:
                left = step.data[self.sock.send(step.data) :]
            except BlockingIOError:
                left = step.data
            if left:
                await self.send_rest(left)

    async def send_rest(self, data: bytes) -> None:
        """What follows counts from its end: a large body waits for whoever takes it in."""
        begun = time.monotonic()
        sending = asyncio.ensure_future(asyncio.get_running_loop().sock_sendall(self.sock, data))
        ending = asyncio.ensure_future(self.ended.wait())
        done, _ = await asyncio.wait({sending, ending}, timeout=SILENCE_S, return_when=asyncio.FIRST_COMPLETED)
        for task in (sending, ending):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await sending
        if sending in done:
            took_ms = (time.monotonic() - begun) * 1000
            self.note("sent", f"sent, in {took_ms:.0f} ms")
            self.timeline.behind_ms += took_ms

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
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.may_read.set()

    async def do_server(self, step: Step) -> None:
        self.note("did", step.text)
        await asyncio.to_thread(self.server.order, step.word)

    async def do_open(self, step: Step) -> None:
        self.note("did", step.text)
        self.note("others", await self.crowd.open(step.amount, step.word))

    async def do_leave(self, step: Step) -> None:
        self.note("did", step.text)
        self.crowd.leave(step.amount)

    async def do_others(self, step: Step) -> None:
        self.note("others", f"in all: {self.crowd.look()}")

    async def do_late(self, step: Step) -> None:
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
        await self.server.settle()
        if self.is_reset():
            self.note("late", "RST after 0 ms")
            return
        while (waited_ms := (time.monotonic() - begun) * 1000) < LATE_MS:
            if self.is_reset():
                self.note("late", f"RST after {waited_ms:.0f} ms")
                return
            await asyncio.sleep(LATE_LOOK_MS / 1000)
        self.note("late", "absorbed")

    def is_reset(self) -> bool:
        return self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE


async def play(case: Case, server: Server) -> Timeline:
    """Opens a connection and plays the case on it. Whatever happens, all connections are closed."""
    address, timeline = server.address, Timeline(began=time.monotonic())
    with socket.socket() as sock, closing(Crowd(address)) as crowd:
        client = Client(sock, timeline, server, crowd)
        before = list(takewhile(lambda step: step.verb == "open", case.steps))
        for step in before:
            await client.step(step)
        await connect(sock, address, stalls=any(step.verb == "stall" for step in case.steps))
        timeline.behind_ms += 0.0 if before else (time.monotonic() - timeline.began) * 1000
        reading = asyncio.ensure_future(client.read())
        try:
            for step in case.steps[len(before) :]:
                await client.step(step)
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
    return timeline


async def connect(sock: socket.socket, address: tuple[str, int], stalls: bool) -> None:
    sock.setblocking(False)
    if stalls:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await asyncio.get_running_loop().sock_connect(sock, address)
