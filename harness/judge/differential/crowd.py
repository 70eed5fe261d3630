"""The other clients of a server, where a script counts on how many there are. They do little: what becomes of them is looked at."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby

PATIENCE_S = 0.5  # for a connection, and for an answer: a client that the server leaves in its kernel gets none
REQUEST = b"GET /ok HTTP/1.1\r\nHost: a.test\r\n\r\n"
BUSY = b"POST /read-body HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n"
SENT = {"idle": REQUEST, "busy": BUSY, "fresh": b""}


class Other:
    """`fate`: what it has seen so far."""

    def __init__(self) -> None:
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.said = ""
        self.end = ""

    @property
    def fate(self) -> str:
        return " ".join(filter(None, (self.said, self.end))) or "no answer"

    async def connect(self, address: tuple[str, int], begins: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(loop.sock_connect(self.sock, address), PATIENCE_S)
            await loop.sock_sendall(self.sock, begins)
            if begins:
                self.take(await asyncio.wait_for(loop.sock_recv(self.sock, 4096), PATIENCE_S))
        except TimeoutError:
            self.end = "" if begins and self.is_connected() else "not connected"
        except OSError as err:
            self.end = name_of(err)

    def is_connected(self) -> bool:
        with suppress(OSError):
            return bool(self.sock.getpeername())
        return False

    def take(self, data: bytes) -> None:
        if not data:
            self.end = "EOF"
        else:
            self.said = "begun" if data.startswith(b"HTTP/1.1 100 ") else "answered"

    def look(self) -> None:
        """At what has come meanwhile."""
        try:
            while not self.end:
                self.take(self.sock.recv(4096))
        except BlockingIOError:
            pass
        except OSError as err:
            self.end = name_of(err)


def name_of(err: OSError) -> str:
    return {ConnectionRefusedError: "refused", ConnectionResetError: "RST"}.get(type(err), type(err).__name__)


class Crowd:
    """All others of one script. Close it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.others: list[Other] = []

    async def open(self, count: int, how: str) -> str:
        """One after the other, so that their order is known. What has become of these."""
        new = []
        for _ in range(count):
            new.append(Other())
            self.others.append(new[-1])
            await new[-1].connect(self.address, SENT[how])
        return "; ".join(counted(new))

    def leave(self, count: int) -> None:
        there = [one for one in self.others if not one.end]
        for one in there[:count]:
            one.sock.close()
            one.end = "left"

    def look(self) -> str:
        for one in self.others:
            one.look()
        return "; ".join(counted(self.others))

    def close(self) -> None:
        for one in self.others:
            one.sock.close()


def counted(others: Iterable[Other]) -> Iterator[str]:
    """In the order in which they came: 2 answered EOF; 10 answered."""
    for fate, several in groupby(others, lambda one: one.fate):
        yield f"{len(list(several))} {fate}"
