"""A name server on loopback for scenarios with host names. It knows what it is told, and notes each question as the event
`query` in the journal. UDP, one question a datagram, addresses of IPv4: what a resolver needs of RFC 1035."""

from __future__ import annotations

import socket
import struct
import threading
import time
from dataclasses import dataclass

from judge.journal import Journal

A, IN = 1, 1
QUERY_RESPONSE, RECURSION = 0x8000, 0x0180  # the bits of a header's flags: an answer; recursion desired and available
CODES = {"not found": 3, "server failure": 2}  # RFC 1035, RCODE
NO_ANSWER = "no answer"
TTL_S = 1


@dataclass(frozen=True)
class Record:
    """What is said about a name."""

    addresses: tuple[str, ...] = ()
    word: str = ""  # a key of CODES, or NO_ANSWER
    after_ms: float = 0


class NameServer:
    """Use as a context. Names are compared without regard to case and to a dot at the end; others are not found."""

    def __init__(self, records: dict[str, Record], journal: Journal) -> None:
        self.records = {name.lower().rstrip("."): record for name, record in records.items()}
        self.journal = journal

    def __enter__(self) -> NameServer:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.sendto(b"", self.socket.getsockname())  # wakes the thread, which takes it for the end
        self.thread.join()
        self.socket.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def _run(self) -> None:
        while True:
            packet, peer = self.socket.recvfrom(4096)
            if not packet:
                return
            if len(packet) > 12:
                self._answer(packet, peer)

    def _answer(self, packet: bytes, peer: tuple[str, int]) -> None:
        name, kind, end = read_question(packet)
        asked = {"who": "server", "ev": "query", "listener": "dns", "name": name, "type": kind}
        self.journal.add({"t": time.monotonic_ns(), **asked})
        record = self.records.get(name.lower().rstrip("."), Record(word="not found"))
        if record.word == NO_ANSWER:
            return
        answer = packet_of(packet, end, record, kind)
        if record.after_ms:
            late = threading.Timer(record.after_ms / 1000, self._send, (answer, peer))
            late.daemon = True
            late.start()
        else:
            self._send(answer, peer)

    def _send(self, answer: bytes, peer: tuple[str, int]) -> None:
        try:
            self.socket.sendto(answer, peer)
        except OSError:  # the scenario is over, or whoever asked is gone
            return


def is_ipv4(text: str) -> bool:
    try:
        socket.inet_pton(socket.AF_INET, text)
    except OSError:
        return False
    return True


def read_question(packet: bytes) -> tuple[str, int, int]:
    """Its name and type, and where it ends."""
    labels, at = [], 12
    while at < len(packet) and packet[at]:
        labels.append(packet[at + 1 : at + 1 + packet[at]].decode("ascii", "replace"))
        at += 1 + packet[at]
    (kind,) = struct.unpack_from("!H", packet.ljust(at + 3, b"\0"), at + 1)
    return ".".join(labels), kind, at + 5


def packet_of(question: bytes, end: int, record: Record, kind: int) -> bytes:
    addresses = record.addresses if kind == A else ()
    flags = QUERY_RESPONSE | RECURSION | CODES.get(record.word, 0)
    head = question[:2] + struct.pack("!5H", flags, 1, len(addresses), 0, 0)
    rows = [struct.pack("!3HIH", 0xC00C, A, IN, TTL_S, 4) + socket.inet_pton(socket.AF_INET, address) for address in addresses]
    return head + question[12:end] + b"".join(rows)
