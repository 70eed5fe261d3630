"""The process that holds a network namespace and speaks for it, in JSON lines. It has no name anywhere and is gone with its
last process, so nothing can be left behind; this one ends with its standard input.

    python3 -m judge.network.namespace_agent [--isolated] [--setting net/ipv4/NAME=VALUE]...

It begins with {"ready": true}, or {"trouble": sentence}. An order {"id", "op": "counts", "port"} is answered with the moment and how many
connections of each side are in which state; "watch" with "port" sends such an answer every now and then as "ev": "sockets", until
"unwatch"; "tcp" gives the namespace's TCP counters."""

from __future__ import annotations

import fcntl
import itertools
import json
import select
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any

from judge.sockets import SocketTable, tcp_counters

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
LEAST_PAUSE_S = 0.02
PAUSE_FACTOR = 15  # between two looks, times what a look takes: long tables must not slow down what is measured


def bring_up_loopback() -> None:
    request = struct.Struct("16sH14x")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        flags = request.unpack(fcntl.ioctl(any_socket, SIOCGIFFLAGS, request.pack(b"lo", 0)))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request.pack(b"lo", flags | IFF_UP))


def prepare(settings: list[str]) -> str | None:
    """The sentence about what is not allowed."""
    try:
        bring_up_loopback()
    except OSError as err:
        return f"the loopback interface of the namespace cannot be brought up: {err.strerror}"
    for setting in settings:
        name, _, value = setting.partition("=")
        try:
            Path("/proc/sys", name).write_text(value)
        except OSError as err:
            return f"/proc/sys/{name} cannot be set: {err.strerror}"
    return None


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


class Agent:
    def __init__(self, table: SocketTable) -> None:
        self.table = table
        self.port: int | None = None  # that is being watched
        self.next_look = 0.0

    def run(self) -> None:
        """One order a line; buffered lines would be hidden from select, so the pipe is read as it is."""
        pipe, rest = sys.stdin.fileno(), b""
        while True:
            pause = max(0.0, self.next_look - time.monotonic()) if self.port else None
            if select.select([pipe], [], [], pause)[0]:
                data = sys.stdin.buffer.raw.read(1 << 16)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self.obey(json.loads(line))
            elif self.port:
                self.look()

    def obey(self, order: dict[str, Any]) -> None:
        op, found = order["op"], {}
        if op == "tcp":
            found = tcp_counters()
        elif op == "counts":
            found = self.counts(order["port"])
        elif op == "watch":
            self.port, self.next_look = order["port"], 0.0
        elif op == "unwatch":
            self.port = None
        say(id=order["id"], ok=True, **found)

    def counts(self, port: int) -> dict[str, Any]:
        return {"t": time.monotonic_ns(), **self.table.counts(port)}

    def look(self) -> None:
        begun = time.monotonic()
        say(ev="sockets", **self.counts(self.port))
        now = time.monotonic()
        self.next_look = now + max(LEAST_PAUSE_S, PAUSE_FACTOR * (now - begun))


def main(arguments: list[str]) -> int:
    settings = [value for option, value in itertools.pairwise(arguments) if option == "--setting"]
    trouble = prepare(settings) if "--isolated" in arguments else None
    try:
        with SocketTable() as table:
            table.counts(0)
            say(**({"trouble": trouble} if trouble else {"ready": True}))
            if trouble is None:
                Agent(table).run()
    except OSError as err:
        say(trouble=f"the kernel's table of sockets cannot be read (inet_diag): {err.strerror}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
