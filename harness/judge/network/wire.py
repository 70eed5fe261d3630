"""Watches a network device and prints, in JSON lines, what TCP does there beyond carrying bytes.

    python3 -m judge.network.wire DEVICE CLIENT_ADDRESS

It begins with {"ready": true}, and ends with its standard input; in between comes a line for each event, with the moment, the side
that sent it ("client", "server") and the client's port:

    probe            an ACK of no bytes whose sequence number is one that was acknowledged long ago: what keepalive sends
    probe_answered   the ACK that follows it from the other side
    retransmitted    bytes, or a SYN, for the second time
    reset            a RST
    fin              a FIN, the first of its side
    unreachable      ICMP: the destination cannot be reached, and why ("code"), about a segment of the client's"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

ETH_P_IP, ETH_BYTES, TCP, ICMP = 0x0800, 14, 6, 1
UNREACHABLE = 3  # of ICMP
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
LETTERS = {SYN: "S", FIN: "F", RST: "R", PSH: "P", ACK: "A"}


@dataclass(frozen=True)
class Segment:
    source: str
    ports: tuple[int, int]
    seq: int
    flags: int
    length: int

    @property
    def letters(self) -> str:
        return "".join(letter for bit, letter in LETTERS.items() if self.flags & bit)


def read_segment(packet: bytes) -> Segment | None:
    """A TCP segment in an IPv4 packet; None: it is something else."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != TCP:
        return None
    head = (packet[0] & 0x0F) * 4
    total = struct.unpack_from("!H", packet, 2)[0]
    source, target, seq, _, offset, flags = struct.unpack_from("!HHIIBB", packet, head)
    return Segment(socket.inet_ntoa(packet[12:16]), (source, target), seq, flags, total - head - (offset >> 4) * 4)


def read_unreachable(packet: bytes) -> dict[str, Any] | None:
    """The event of an ICMP packet that says so; None: it is something else."""
    head = (packet[0] & 0x0F) * 4
    if len(packet) < head + 32 or packet[9] != ICMP or packet[head] != UNREACHABLE:
        return None
    about = packet[head + 8 :]  # the segment's IP header and the beginning of its own
    port = struct.unpack_from("!H", about, (about[0] & 0x0F) * 4)[0]
    return {"ev": "unreachable", "side": "server", "port": port, "code": packet[head + 1]}


@dataclass
class Watcher:
    client: str
    next_seq: dict[tuple[str, tuple[int, int]], int] = field(default_factory=dict)  # of each direction
    probed: set[tuple[int, int]] = field(default_factory=set)  # directions whose last segment was a probe

    def seen(self, packet: bytes) -> Iterator[dict[str, Any]]:
        """The events of an IPv4 packet."""
        if segment := read_segment(packet):
            yield from self.events(segment)
        elif told := read_unreachable(packet):
            yield told

    def events(self, segment: Segment) -> Iterator[dict[str, Any]]:
        side = "client" if segment.source == self.client else "server"
        about = {"side": side, "port": segment.ports[side == "server"], "flags": segment.letters, "bytes": segment.length}
        key, back = (segment.source, segment.ports), segment.ports[::-1]
        expected = self.next_seq.get(key)
        behind = expected is not None and 0 < (expected - segment.seq) % 2**32 < 2**31
        if segment.flags & RST:
            yield {"ev": "reset", **about}
        elif (segment.length or segment.flags & SYN) and behind:
            yield {"ev": "retransmitted", **about}
        elif segment.flags & FIN and not behind:
            yield {"ev": "fin", **about}
        elif not segment.flags & (SYN | FIN) and (expected or 0) - segment.seq == 1:
            self.probed.add(segment.ports)
            yield {"ev": "probe", **about}
        elif back in self.probed and segment.flags == ACK and not segment.length:
            yield {"ev": "probe_answered", **about}
        self.probed.discard(back)
        after = (segment.seq + segment.length + bool(segment.flags & (SYN | FIN))) % 2**32
        if not behind:
            self.next_seq[key] = after


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def main(arguments: list[str]) -> int:
    device, client = arguments
    watcher = Watcher(client)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire:  # ETH_P_ALL: also what we send ourselves
        wire.bind((device, 0))
        say(ready=True)
        while True:
            if sys.stdin in select.select([wire, sys.stdin], [], [])[0]:
                return 0  # nobody writes there: its end is that of whoever started us, who may be past telling us
            frame, _ = wire.recvfrom(1 << 16)
            t = time.monotonic_ns()
            if struct.unpack_from("!H", frame, 12)[0] == ETH_P_IP:
                for event in watcher.seen(frame[ETH_BYTES:]):
                    say(t=t, **event)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
