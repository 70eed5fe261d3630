"""How the mock server is steered: which behaviour comes when, gates, the judge's own misdeeds, what is told, and bad input."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mock_server import PATIENCE_S, Client, Mock, server_program


@pytest.fixture
def mock() -> Iterator[Mock]:
    with Mock() as server:
        yield server


# --- which behaviour comes when -----------------------------------------------------------------------------------------


def client_answers(client: Client) -> bool:
    try:
        client.response()
    except (AssertionError, ConnectionResetError):
        return False
    return True


def outcomes(address: str, count: int) -> list[str]:
    found = []
    for _ in range(count):
        client = Client(address)
        client.get()
        found.append("ok" if client_answers(client) else "ended")
        client.finish()
    return found


@pytest.mark.parametrize(("cycle", "expected"), [
    (False, ["ok", "ok", "ended", "ok", "ok", "ok", "ok"]),
    (True, ["ok", "ok", "ended", "ok", "ok", "ok", "ended"]),
])
def test_by_connection_in_order_the_last_repeats_or_the_list_does(mock: Mock, cycle: bool, expected: list[str]) -> None:
    behaviours = [{"name": "ok", "repeat": 2}, "fin-request", "ok"]
    assert outcomes(mock.listen(*behaviours, cycle=cycle), 7) == expected


def test_by_request_over_all_connections(mock: Mock) -> None:
    address = mock.listen({"name": "ok", "repeat": 3}, "close-announced-open", "ok", on="request")
    a, b = Client(address), Client(address)
    said = []
    for client in (a, b, a, b, a, b):
        client.get()
        said.append(client.response()[1].get("connection"))
    assert said == [None, None, None, "close", None, None]
    b.send(b"GET /t/2 HTTP")
    b.finish()
    mock.await_event("closed", 2)
    assert mock.events(2).count("request") == 3


def test_by_request_a_listener_without_a_request_yet(mock: Mock) -> None:
    client = Client(mock.listen("close-idle", on="request"))
    mock.await_event("accepted")
    client.finish()
    mock.await_event("closed")


def test_listeners_are_apart_and_connections_are_numbered_over_all(mock: Mock) -> None:
    a, b = mock.listen("ok", name="a"), mock.listen("fin-request", name="b")
    assert Client(a).exchange() == b"c1 r1 /t/1\n"
    silent = Client(b)
    assert mock.await_event("accepted", 2)["listener"] == "b"
    assert Client(a).exchange() == b"c3 r1 /t/1\n"
    silent.finish()
    books = mock.call("books")["listeners"]
    assert (books["a"]["accepted"], books["b"]["accepted"]) == (2, 1)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", "unix"])
def test_addresses(mock: Mock, address: str, tmp_path: Path) -> None:
    wanted = f"unix:{tmp_path}/sock" if address == "unix" else address
    answer = mock.call("listen", name="origin", address=wanted, behaviours=[{"name": "close-idle", "after_ms": 0}])
    if address == "unix":
        assert (answer["address"], answer["port"]) == (wanted, 0)
    else:
        assert answer["address"] == f"{address[:-2]}:{answer['port']}" and answer["port"]
    client = Client(answer["address"])
    assert client.exchange() == b"c1 r1 /t/1\n"
    assert client.rest() == (b"", "fin")
    if address == "unix":
        assert mock.await_event("accepted")["peer"] == 0
        mock.quit()
        assert not (tmp_path / "sock").exists()


def test_a_unix_client_that_is_late(mock: Mock, tmp_path: Path) -> None:
    client = Client(mock.listen("fin-behind", address=f"unix:{tmp_path}/s"))
    client.exchange()
    client.rest()
    client.get()
    mock.await_event("closed")
    assert mock.events() == ["accepted", "request", "response", "fin_sent", "late", "closed"]


# --- gates --------------------------------------------------------------------------------------------------------------


def test_a_gate_lets_one_through_for_each_permit(mock: Mock) -> None:
    address = mock.listen({"name": "ok", "gate": "g"})
    clients = [Client(address) for _ in range(3)]
    for number, client in enumerate(clients, 1):
        client.get()
        assert mock.await_event("gate", number)["gate"] == "g"
    assert all(client.is_quiet() for client in clients)
    mock.call("release", gate="g", count=2)
    assert [client.response()[2][:2] for client in clients[:2]] == [b"c1", b"c2"]
    mock.call("books")
    assert clients[2].is_quiet()
    mock.call("release", gate="g")
    assert clients[2].response()[2] == b"c3 r1 /t/1\n"


def test_permits_are_kept_for_who_comes_later(mock: Mock) -> None:
    mock.call("release", gate="g")
    mock.call("release", gate="g")
    mock.call("release", gate="other", count=9)
    client = Client(mock.listen({"name": "ok", "gate": "g"}))
    assert client.exchange() and client.exchange()
    client.get()
    mock.await_event("gate", count=3)
    assert client.is_quiet()


def test_who_leaves_a_gate_takes_no_permit(mock: Mock) -> None:
    address = mock.listen({"name": "ok", "gate": "g"})
    gone, stays = Client(address), Client(address)
    gone.get()
    mock.await_event("gate", 1)
    stays.get()
    mock.await_event("gate", 2)
    gone.finish()
    mock.await_event("closed", 1)
    mock.call("release", gate="g")
    assert stays.response()[2] == b"c2 r1 /t/1\n"


def test_who_is_ended_at_a_gate_takes_no_permit(mock: Mock) -> None:
    address = mock.listen({"name": "ok", "gate": "g"})
    ended, stays = Client(address), Client(address)
    ended.get()
    mock.await_event("gate", 1)
    stays.get()
    mock.await_event("gate", 2)
    mock.call("act", conn=1, do="fin")
    mock.call("release", gate="g")
    assert stays.response()[2] == b"c2 r1 /t/1\n"
    assert ended.rest() == (b"", "fin")


def test_nobody_is_overtaken_at_a_gate(mock: Mock) -> None:
    """Who has passed and comes back stands behind who waits."""
    address = mock.listen({"name": "ok", "gate": "g"})
    hasty, patient = Client(address), Client(address)
    hasty.get()
    hasty.get()
    mock.await_event("gate", 1)
    patient.get()
    mock.await_event("gate", 2)
    mock.call("release", gate="g", count=2)
    assert patient.response()[2] == b"c2 r1 /t/1\n"
    assert hasty.response()[2] == b"c1 r1 /t/1\n"
    assert hasty.is_quiet()


def test_a_gate_holds_a_misdeed(mock: Mock) -> None:
    client = Client(mock.listen({"name": "reset-request", "gate": "g"}))
    client.get()
    mock.await_event("gate")
    assert client.is_quiet()
    mock.call("release", gate="g")
    assert client.rest() == (b"", "rst")


def test_pipelined_requests_wait_for_the_gate_one_by_one(mock: Mock) -> None:
    client = Client(mock.listen({"name": "ok", "gate": "g"}))
    client.get("/t/1")
    client.get("/t/2")
    mock.await_event("gate")
    mock.call("release", gate="g")
    assert client.response()[2] == b"c1 r1 /t/1\n"
    mock.await_event("gate", count=2)
    assert client.is_quiet()
    mock.call("release", gate="g")
    assert client.response()[2] == b"c1 r2 /t/2\n"


# --- the judge's own misdeeds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("do", "end", "event"), [
    ("fin", "fin", "fin_sent"),
    ("half_close", "fin", "fin_sent"),
    ("rst", "rst", "rst_sent"),
])
def test_act_ends_a_connection(mock: Mock, do: str, end: str, event: str) -> None:
    client = Client(mock.listen("ok"))
    client.exchange()
    mock.call("act", conn=1, do=do)
    assert client.rest() == (b"", end)
    assert mock.await_event(event).get("half", False) is (do == "half_close")


@pytest.mark.parametrize("data", ["hello", {"base64": "/wAB"}])
def test_act_sends_bytes(mock: Mock, data: object) -> None:
    client = Client(mock.listen("ok"))
    client.exchange()
    mock.call("act", conn=1, do="send", data=data)
    expected = b"hello" if data == "hello" else b"\xff\0\1"
    assert client.bytes(len(expected)) == expected
    assert {"bytes": len(expected), "what": "data"}.items() <= mock.await_event("stray").items()


def test_act_sends_an_urgent_byte(mock: Mock) -> None:
    client = Client(mock.listen("ok"))
    client.exchange()
    mock.call("act", conn=1, do="urgent", data="!")
    select.select([], [], [client.socket], PATIENCE_S)
    client.socket.setblocking(False)
    assert client.socket.recv(1, socket.MSG_OOB) == b"!"
    assert mock.await_event("stray")["what"] == "urgent"


def test_act_stops_reading(mock: Mock) -> None:
    client = Client(mock.listen("ok"))
    client.exchange()
    mock.call("act", conn=1, do="stop_reading")
    client.get()
    client.finish()
    mock.call("books")
    assert mock.events() == ["accepted", "request", "response"]


def test_act_closes_and_the_kernel_answers_what_is_late(mock: Mock) -> None:
    client = Client(mock.listen("ok"))
    client.exchange()
    mock.call("act", conn=1, do="close")
    assert client.rest() == (b"", "fin")
    client.get()
    with pytest.raises(BrokenPipeError):
        client.get()
    mock.call("books")
    assert mock.events() == ["accepted", "request", "response", "fin_sent", "closed"]


def test_act_closes_over_unread_bytes(mock: Mock) -> None:
    client = Client(mock.listen("ok"))
    client.exchange()
    mock.call("act", conn=1, do="close_unread")
    assert client.is_quiet()
    client.get()
    assert client.rest() == (b"", "rst")
    mock.await_event("closed")
    assert mock.events() == ["accepted", "request", "response", "rst_sent", "closed"]


def test_act_closes_over_unread_bytes_or_sees_the_end(mock: Mock) -> None:
    client = Client(mock.listen("ok"))
    client.exchange()
    mock.call("act", conn=1, do="close_unread")
    client.finish()
    mock.await_event("closed")
    assert mock.events() == ["accepted", "request", "response", "fin_seen", "closed"]


def test_act_while_an_answer_waits(mock: Mock) -> None:
    client = Client(mock.listen({"name": "ok", "gate": "g"}))
    client.get()
    mock.await_event("gate")
    mock.call("act", conn=1, do="half_close")
    mock.call("release", gate="g")
    assert client.rest() == (b"", "fin")
    client.get("/t/2")
    mock.await_event("request", count=2)


def test_act_on_what_is_gone(mock: Mock) -> None:
    client = Client(mock.listen("ok"))
    client.exchange()
    mock.call("act", conn=1, do="fin")
    for do in ("fin", "half_close", "send"):
        assert mock.ask("act", conn=1, do=do, data="x") == {"id": mock.ids, "ok": False, "err": "connection 1 has had its FIN"}
    client.finish()
    mock.await_event("closed")
    assert mock.ask("act", conn=1, do="rst")["err"] == "connection 1 is not open"


def test_unlisten_refuses_newcomers_and_keeps_the_rest(mock: Mock) -> None:
    address = mock.listen("ok")
    client = Client(address)
    client.exchange()
    mock.call("unlisten", name="origin")
    with pytest.raises(ConnectionRefusedError):
        Client(address)
    assert client.exchange() == b"c1 r2 /t/1\n"
    assert mock.call("books")["listeners"]["origin"]["requests"] == 2


def test_unlisten_tells_who_waited_in_the_queue(mock: Mock) -> None:
    address = mock.listen({"name": "tomcat", "max_connections": 1})
    clients = [Client(address) for _ in range(3)]
    clients[0].exchange()
    mock.call("unlisten", name="origin")
    assert mock.await_event("abandoned", conn=None)["connections"] == 2
    for client in clients[1:]:
        with pytest.raises(ConnectionResetError):
            client.socket.recv(1)


# --- what is told -------------------------------------------------------------------------------------------------------


def test_books_count_everything(mock: Mock) -> None:
    address = mock.listen("ok", "close-idle", "reset-request", "stray-glued", {"name": "close-idle", "after_ms": 0})
    opened = [Client(address) for _ in range(5)]
    opened[2].get()
    opened[2].rest()
    opened[3].exchange()
    opened[4].exchange()
    opened[4].rest()
    opened[4].get()
    mock.await_event("closed", 5)
    opened[0].finish()
    mock.await_event("closed", 1)
    opened[1].reset()
    mock.await_event("closed", 2)
    assert mock.call("books")["listeners"]["origin"] == {
        "accepted": 5, "requests": 3, "responses": 2, "open": 1, "peak_open": 5, "stray": 1,
        "fin_sent": 1, "rst_sent": 2, "fin_seen": 1, "rst_seen": 1, "late": 1, "wrong": 0,
    }


def test_what_the_server_ended_is_open_no_more(mock: Mock) -> None:
    address = mock.listen("fin-behind")
    client = Client(address)
    client.exchange()
    client.rest()
    assert mock.call("books")["listeners"]["origin"]["open"] == 0


def test_quit_tells_each_connection_and_the_lag(mock: Mock) -> None:
    address = mock.listen("ok")
    clients = [Client(address) for _ in range(3)]
    clients[1].exchange()
    clients[1].finish()
    mock.await_event("closed", 2)
    mock.quit()
    assert sorted(e["conn"] for e in mock.trace if e["ev"] == "conn_books") == [1, 2, 3]
    assert (mock.books(1)["end"], mock.books(2)["end"], mock.books(1)["last_request_t"]) == ("open", "fin_seen", None)
    assert mock.trace[-1]["ev"] == "lag" and 0 <= mock.trace[-1]["max_ms"] < 10_000


def test_counters_tell_the_first_thousand_requests_and_each_violation(mock: Mock) -> None:
    address = mock.listen({"name": "ok", "repeat": 2}, {"name": "fin-behind"}, trace="counters")
    early, other = Client(address), Client(address)
    for _ in range(600):
        early.exchange()
        other.exchange()
    late = Client(address)
    late.exchange()
    late.rest()
    late.get()
    mock.await_event("late", 3)
    early.finish()
    mock.await_event("closed", 1)
    mock.quit()
    told = [e["ev"] for e in mock.trace]
    assert (told.count("request"), told.count("response")) == (1000, 1000)
    assert mock.events(3) == ["late"]
    assert mock.events(1)[-2:] == ["fin_seen", "closed"]
    assert [mock.books(n)["requests"] for n in (1, 2, 3)] == [600, 600, 1]
    assert mock.books(3)["requests_after_fault"] == 1


def test_pages_tell_each_connection_at_the_end_and_no_event(mock: Mock) -> None:
    client = Client(mock.listen("ok", trace="pages"))
    client.exchange()
    client.exchange()
    client.finish()
    while mock.call("books")["listeners"]["origin"]["open"]:
        pass
    mock.quit()
    assert [e["ev"] for e in mock.trace] == ["conn_books", "lag"]
    assert (mock.books(1)["requests"], mock.books(1)["end"]) == (2, "fin_seen")


def test_none_tells_nothing_but_totals(mock: Mock) -> None:
    client = Client(mock.listen("ok", trace="none"))
    client.exchange()
    client.finish()
    while mock.call("books")["listeners"]["origin"]["open"]:
        pass
    assert mock.call("books")["listeners"]["origin"]["requests"] == 1
    mock.quit()
    assert [e["ev"] for e in mock.trace] == ["lag"]


# --- bad input ----------------------------------------------------------------------------------------------------------


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


# --- endings ------------------------------------------------------------------------------------------------------------


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


# --- abuse --------------------------------------------------------------------------------------------------------------


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
