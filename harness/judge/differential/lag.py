"""How late everybody was, moment by moment: what was then measured is worth so much less.

The player's own loop tells by its ticks. A server tells by how long it takes to answer a request that would take nothing: one is
asked all the time, on a connection of its own, except where nobody else may talk to it. The kernel tells by what it had to send once
more: where its memory for TCP is short it drops segments, on the loopback interface, too, and waits 200 ms for an acknowledgement."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from judge.sockets import tcp_counters

TICK_S, ASK_S = 0.01, 0.05
AROUND_S = 0.05
REQUEST = b"GET /ok HTTP/1.1\r\nHost: lag\r\nConnection: close\r\n\r\n"
ME = ""
AGAIN_MS = 250.0  # Linux' shortest retransmission timeout, and what it takes to get there


class Lag:
    """Measures while `watching`. All in the loop of the player."""

    def __init__(self) -> None:
        self.seen: dict[str, list[tuple[float, float]]] = {ME: []}  # address → when, ms

    @contextmanager
    def watching(self, addresses: Iterable[str]) -> Iterator[None]:
        tasks = [asyncio.ensure_future(self._tick()), *(asyncio.ensure_future(self._ask_again(one)) for one in addresses)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    async def _tick(self) -> None:
        due, before = time.monotonic(), sent_again()
        while True:
            due += TICK_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now, again = time.monotonic(), sent_again()
            self.seen[ME].append((now, AGAIN_MS if again > before else (now - due) * 1000))
            due, before = now, again

    async def _ask_again(self, address: str) -> None:
        seen = self.seen.setdefault(address, [])
        while True:
            begun = time.monotonic()
            await ask(address)
            now = time.monotonic()
            seen.append((now, (now - begun) * 1000))
            await asyncio.sleep(ASK_S)

    def around_ms(self, address: str, moments: Iterable[float]) -> float:
        """The worst of the player and of one server about these moments (monotonic, s), in ms."""
        records = self._of([address])
        near = [late for at in moments for record in records for t, late in record if t - AROUND_S - late / 1000 <= at <= t + AROUND_S]
        return max(near, default=0.0)

    def worst_ms(self, addresses: Iterable[str], begin: float, end: float) -> float:
        """The worst of the player and of these servers in between."""
        return max((late for record in self._of(addresses) for t, late in record if begin <= t <= end + AROUND_S), default=0.0)

    def _of(self, addresses: Iterable[str]) -> list[list[tuple[float, float]]]:
        """For a server that is not asked all others stand: it runs on the same machine."""
        if all(one in self.seen for one in addresses):
            return [self.seen[ME], *(self.seen[one] for one in addresses)]
        return list(self.seen.values())


def sent_again() -> int:
    """How many segments were retransmitted so far."""
    return tcp_counters()["RetransSegs"]


async def ask(address: str) -> None:
    """Returns when a request is answered: whatever reached the server before, it has seen."""
    loop = asyncio.get_running_loop()
    with socket.socket() as sock, suppress(OSError):
        sock.setblocking(False)
        await loop.sock_connect(sock, host_and_port(address))
        await loop.sock_sendall(sock, REQUEST)
        while await loop.sock_recv(sock, 4096):
            pass


def host_and_port(address: str) -> tuple[str, int]:
    host, port = address.rsplit(":", 1)
    return host, int(port)
