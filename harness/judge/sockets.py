"""The kernel's table of TCP connections (inet_diag, what `ss` reads too): the witness of what no program sees, such as TIME_WAIT.

Both ends of a connection on one machine are two entries; the ports tell them apart. It shows the network namespace of the thread
that opened it."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY = 4, 20  # linux/netlink.h, linux/sock_diag.h
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence, process
REQUEST = struct.Struct("=BBBxI48x")  # family, protocol, extensions, states; any address
ENTRY = struct.Struct("=BBxx")  # family, state, timer, retransmissions; the rest is read where it stands
PORTS = struct.Struct(">HH")
RECEIVE_BYTES = 1 << 20

STATES = {  # linux/tcp_states.h
    1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT", 7: "CLOSE", 8: "CLOSE_WAIT",
    9: "LAST_ACK", 11: "CLOSING",
}  # fmt: skip
GONE = "CLOSED"  # what a connection is that is in no table any more
SIDES = ("client", "server")


@dataclass(frozen=True)
class Entry:
    """One end of a connection."""

    state: str
    port: int  # its own
    peer: int


class SocketTable:
    """Use as a context. Raises OSError where the kernel has no inet_diag."""

    def __init__(self) -> None:
        self.netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.netlink.close()

    def entries(self) -> Iterator[Entry]:
        """Every end of a TCP connection, listeners left out. A program may speak IPv4 over a socket of IPv6, as Java does."""
        yield from self._of_family(socket.AF_INET)
        yield from self._of_family(socket.AF_INET6)

    def _of_family(self, family: int) -> Iterator[Entry]:
        body = REQUEST.pack(family, socket.IPPROTO_TCP, 0, sum(1 << number for number in STATES))
        self.netlink.send(HEADER.pack(HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body)
        while True:
            data = self.netlink.recv(RECEIVE_BYTES)
            at = 0
            while at < len(data):
                length, kind, *_ = HEADER.unpack_from(data, at)
                if kind == NLMSG_DONE:
                    return
                if kind == NLMSG_ERROR:
                    raise OSError(-struct.unpack_from("=i", data, at + HEADER.size)[0], "inet_diag refuses")
                _, state = ENTRY.unpack_from(data, at + HEADER.size)
                port, peer = PORTS.unpack_from(data, at + HEADER.size + ENTRY.size)
                yield Entry(STATES[state], port, peer)
                at += length + 3 & ~3

    def counts(self, port: int) -> dict[str, dict[str, int]]:
        """Side → state → how many connections with the server at `port`."""
        found = {side: Counter[str]() for side in SIDES}
        for entry in self.entries():
            if entry.port == port:
                found["server"][entry.state] += 1
            elif entry.peer == port:
                found["client"][entry.state] += 1
        return {side: dict(states) for side, states in found.items()}

    def of(self, server: int, client: int) -> dict[str, str]:
        """The state of both ends of the connection between these ports; GONE where there is none."""
        states = dict.fromkeys(SIDES, GONE)
        for entry in self.entries():
            if (entry.port, entry.peer) == (server, client):
                states["server"] = entry.state
            elif (entry.port, entry.peer) == (client, server):
                states["client"] = entry.state
        return states


def tcp_counters() -> dict[str, int]:
    """Of our network namespace (RFC 4022): ActiveOpens, PassiveOpens, InSegs, RetransSegs, OutRsts and so on."""
    names, values = (line.split()[1:] for line in Path("/proc/self/net/snmp").read_text().splitlines() if line.startswith("Tcp:"))
    return dict(zip(names, map(int, values), strict=True))
