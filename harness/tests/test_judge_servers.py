"""The judge's servers: the mock server as the judge steers it, one that accepts nobody, and one for names."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import time
from pathlib import Path

import pytest
from judge.deaf import Deaf
from judge.journal import Journal
from judge.name_server import NameServer, Record, is_ipv4
from judge.project import Project
from judge.servers import Servers


def address_of(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def test_the_books_are_closed_behind_what_the_kernel_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The FIN and the order come to a server that stands still; its loop may look at the order first."""
    journal = Journal()
    with Servers(Project.here("san"), journal, tmp_path / "log") as servers:
        address = servers.listen("origin", "127.0.0.1:0", behaviours=[{"name": "ok"}])
        with socket.create_connection(address_of(address)):
            servers.settle()
            os.kill(servers.child.process.pid, signal.SIGSTOP)
        send = servers.child.send

        def send_and_go_on(*what: object) -> None:
            send(*what)
            os.kill(servers.child.process.pid, signal.SIGCONT)

        monkeypatch.setattr(servers.child, "send", send_and_go_on)
        servers.close_books()
    (books,) = (one["listeners"]["origin"] for one in journal.events if one["ev"] == "books")
    assert (books["accepted"], books["fin_seen"]) == (1, 1)


def test_a_connect_to_the_deaf_stays_under_way():
    with Deaf() as deaf, socket.socket() as client:
        client.setblocking(False)
        client.connect_ex(address_of(deaf.address))
        assert select.select([], [client], [], 0.3) == ([], [], [])


def test_nobody_listens_where_the_deaf_was():
    with Deaf() as deaf:
        address = address_of(deaf.address)
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(address)


def ask(server: NameServer, name: str, kind: int = 1, within_s: float = 5) -> tuple[int, list[str]] | None:
    """The code of the answer and the addresses in it; None where there is none."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(within_s)
        head, tail = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0), struct.pack("!2H", kind, 1)
        client.sendto(head + labels + b"\0" + tail, address_of(server.address))
        try:
            answer = client.recv(4096)
        except TimeoutError:
            return None
    number, flags, _, count, _, _ = struct.unpack_from("!6H", answer)
    assert number == 7 and flags & 0x8000
    return flags & 0xF, [socket.inet_ntoa(answer[len(answer) - 16 * n - 4 :][:4]) for n in reversed(range(count))]


RECORDS = {
    "One.test": Record(("127.0.0.1",)),
    "two.test": Record(("127.0.0.1", "127.0.0.2")),
    "gone.test": Record(word="not found"),
    "broken.test": Record(word="server failure"),
    "mute.test": Record(word="no answer"),
    "late.test": Record(("127.0.0.1",), after_ms=200),
}
ANSWERS = {  # question: answer
    "one.test": (0, ["127.0.0.1"]),
    "ONE.TEST": (0, ["127.0.0.1"]),
    "two.test": (0, ["127.0.0.1", "127.0.0.2"]),
    "gone.test": (3, []),
    "broken.test": (2, []),
    "other.test": (3, []),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_question_is_answered_and_noted(name):
    journal = Journal()
    with NameServer(RECORDS, journal) as server:
        assert ask(server, name) == ANSWERS[name]
    assert [(event["ev"], event["name"], event["type"]) for event in journal.events] == [("query", name, 1)]


def test_no_address_of_another_kind():
    with NameServer(RECORDS, Journal()) as server:
        assert ask(server, "one.test", kind=28) == (0, [])


def test_no_answer_and_a_late_one():
    with NameServer(RECORDS, Journal()) as server:
        assert ask(server, "mute.test", within_s=0.2) is None
        begun = time.monotonic()
        assert ask(server, "late.test") == (0, ["127.0.0.1"])
        assert time.monotonic() - begun >= 0.2


def test_a_packet_that_is_no_question_does_no_harm():
    with NameServer(RECORDS, Journal()) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for packet in (b"x", b"x" * 13, b"\xff" * 40):
            client.sendto(packet, address_of(server.address))
        assert ask(server, "one.test") == (0, ["127.0.0.1"])


def test_what_is_an_address():
    assert is_ipv4("127.0.0.1")
    assert not any(is_ipv4(text) for text in ("::1", "127.1", "after 300 ms", ""))
