"""The mock server, wrongly asked, ended and abused."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from mock_server import PATIENCE_S, Client, Mock, server_program

# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"name": "x"}, "listen needs a name and an address"),
    ({"name": "origin"}, 'there is a listener "origin" already'),
    ({"address": "localhost"}, '"localhost" is no address: 127.0.0.1:0, [::1]:0 and unix:/path are'),
    ({"adress": "x"}, 'there is no member "adress"; the nearest is "address"'),
    ({"on": "conection"}, 'there is no on "conection"; the nearest is "connection"'),
    ({"trace": "everything"}, 'there is no trace "everything"; nothing is near it'),
    ({"behaviours": []}, "a listener needs at least one behaviour"),
    ({"behaviours": ["ok"]}, 'a behaviour is an object with a "name"'),
    ({"behaviours": [{"name": "reset-iddle"}]}, 'there is no behaviour "reset-iddle"; the nearest is "reset-idle"'),
    ({"behaviours": [{"name": "ok", "repeat": 0}]}, "repeat is a whole number, 1 or more"),
    ({"behaviours": [{"name": "close-idle", "after_m": 1}]}, 'close-idle has no option "after_m"; the nearest is "after_ms"'),
    ({"behaviours": [{"name": "close-idle", "after_ms": -1}]}, 'after_ms is a number of milliseconds, 0 or more, not "-1"'),
    ({"behaviours": [{"name": "close-idle", "after_ms": [1]}]}, 'after_ms is a number of milliseconds, 0 or more, not "[1]"'),
    ({"behaviours": [{"name": "stray-idle", "what": "400"}]}, 'what is byte|crlf|408|200, not "400"'),
    ({"behaviours": [{"name": "ok", "body_bytes": 1.5}]}, 'body_bytes is a whole number from 0 to 1073741824, not "1.5"'),
    ({"behaviours": [{"name": "http10", "keep_alive": 1}]}, 'keep_alive is true or false, not "1"'),
    ({"behaviours": [{"name": "reset-accept"}], "on": "request"},
     "reset-accept acts before any request: it cannot be chosen by request"),
    ({"behaviours": [{"name": "reset-idle"}], "address": "unix:SOCK"}, "reset-idle needs TCP: a unix socket knows no RST"),
])
def test_what_cannot_be_listened_to(mock: Mock, fields: dict, sentence: str, tmp_path: Path) -> None:
    mock.listen("ok")
    if fields != {"name": "x"}:
        fields = {"name": "new", "address": "127.0.0.1:0", "behaviours": [{"name": "ok"}], **fields}
    if fields.get("address") == "unix:SOCK":
        fields["address"] = f"unix:{tmp_path}/s"
    assert mock.ask("listen", **fields) == {"id": mock.ids, "ok": False, "err": sentence}
    assert not list(tmp_path.iterdir())


def test_a_port_or_a_path_in_use(mock: Mock, tmp_path: Path) -> None:
    address = mock.listen("ok")
    taken = tmp_path / "s"
    taken.write_text("mine")
    for wanted, why in ((address, "is in use; port 0 is any that is free"), (f"unix:{taken}", "exists already")):
        answer = mock.ask("listen", name="new", address=wanted, behaviours=[{"name": "ok"}])
        assert answer["err"] == f"{wanted} {why}"
    assert taken.read_text() == "mine"


@pytest.mark.parametrize(("op", "fields", "sentence"), [
    ("lisen", {}, 'there is no op "lisen"; the nearest is "listen"'),
    ("unlisten", {"name": "x"}, 'there is no listener "x"'),
    ("release", {}, "release needs the name of a gate"),
    ("release", {"gate": "g", "count": 0}, "count is a whole number, 1 or more"),
    ("act", {"conn": 7, "do": "fin"}, "connection 7 is not open"),
    ("act", {"conn": 1, "do": "fn"}, 'there is no act "fn"; the nearest is "fin"'),
    ("act", {"conn": 1, "do": "send"}, "send needs data"),
    ("act", {"conn": 1, "do": "urgent", "data": "ab"}, "urgent needs data of one byte"),
])
def test_what_cannot_be_done(mock: Mock, op: str, fields: dict, sentence: str) -> None:
    client = Client(mock.listen("ok"))
    mock.await_event("accepted")
    assert mock.ask(op, **fields) == {"id": mock.ids, "ok": False, "err": sentence}
    assert client.exchange() == b"c1 r1 /t/1\n", "the server goes on"


def test_lines_that_are_no_json(mock: Mock) -> None:
    mock.send("nonsense")
    mock.send("[1]")
    mock.call("books")
    assert mock.answers[None]["ok"] is False


# --- endings ----------------------------------------------------------------------------------------------------------


def test_the_end_of_the_input_is_a_quit(mock: Mock, tmp_path: Path) -> None:
    client = Client(mock.listen("ok", address=f"unix:{tmp_path}/s"))
    client.exchange()
    assert mock.process.stdin
    mock.process.stdin.close()
    assert mock.process.wait(PATIENCE_S) == 0
    mock.reader.join()
    assert mock.books()["requests"] == 1
    assert client.rest() == (b"", "fin") and not (tmp_path / "s").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_quit(mock: Mock, number: int, tmp_path: Path) -> None:
    client = Client(mock.listen("ok", address=f"unix:{tmp_path}/s"))
    client.exchange()
    mock.process.send_signal(number)
    assert mock.process.wait(PATIENCE_S) == 0
    mock.reader.join()
    assert mock.books()["requests"] == 1 and not (tmp_path / "s").exists()


def test_a_reader_that_has_gone() -> None:
    process = subprocess.Popen(
        [server_program(), "--control"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout and process.stderr
    process.stdout.close()
    process.stdin.write('{"id":1,"op":"books"}\n')
    process.stdin.flush()
    assert process.wait(PATIENCE_S) == 1
    assert process.stderr.read() == "server: nobody reads the trace any more: Broken pipe\n"
    process.stdin.close()
    process.stderr.close()


# --- abuse ------------------------------------------------------------------------------------------------------------


def test_a_client_that_floods_is_made_to_wait(mock: Mock) -> None:
    """Requests behind one that is not answered are kept up to a bound; then the kernel's window closes on the client."""
    address = mock.listen({"name": "ok", "gate": "g"})
    flood, other = Client(address), Client(address)
    flood.socket.setblocking(False)
    sent, request = 0, b"GET /t/1 HTTP/1.1\r\nHost: a\r\n\r\n"
    while sent < 100 << 20 and select.select([], [flood.socket], [], 0.5)[1]:
        sent += flood.socket.send(request * 10_000)
    assert sent < 100 << 20
    other.get()
    mock.await_event("gate", 2)
    mock.call("release", gate="g", count=2)
    assert other.response()[2] == b"c2 r1 /t/1\n"


def test_a_client_that_never_reads(mock: Mock) -> None:
    address = mock.listen({"name": "ok", "body_bytes": 20_000_000})
    greedy = Client(address)
    greedy.get("/t/1")
    greedy.get("/t/2")
    mock.await_event("response")
    mock.call("books")
    assert mock.events() == ["accepted", "request", "response"], "the second waits for the first to be taken"
    assert len(greedy.response()[2]) == len(greedy.response()[2]) == 20_000_000
    mock.await_event("response", count=2)


def test_a_client_that_has_finished_sending_gets_the_rest_of_its_answer(mock: Mock) -> None:
    client = Client(mock.listen({"name": "ok", "body_bytes": 20_000_000}))
    client.get()
    client.socket.shutdown(socket.SHUT_WR)
    mock.await_event("fin_seen")
    assert len(client.response()[2]) == 20_000_000
    assert client.rest() == (b"", "fin")
    mock.await_event("closed")
    assert mock.events() == ["accepted", "request", "response", "fin_seen", "closed"]


def test_no_descriptor_is_left() -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))

    with Mock(preexec_fn=few) as mock:
        address = mock.listen("ok", trace="none")
        clients = [Client(address) for _ in range(20)]
        while not (served := mock.call("books")["listeners"]["origin"]["accepted"]):
            pass
        assert served < 20
        before = cpu_ticks(mock.process.pid)
        time.sleep(0.4)
        assert cpu_ticks(mock.process.pid) - before < 0.2 * os.sysconf("SC_CLK_TCK"), "it waits and does not spin"
        for client in clients:
            client.get()
            assert client.response()[2].endswith(b" /t/1\n"), "each is served when one before it has gone"
            client.finish()
        mock.call("quit")
        mock.process.wait(PATIENCE_S)
        assert mock.process.stderr
        assert mock.process.stderr.read().count("Too many open files") >= 1


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])
