"""What the judge does through the mock server itself: gates, and misdeeds of its own."""

from __future__ import annotations

import select
import socket
from typing import Any

import pytest
from mock_server import PATIENCE_S, Client, Mock

# --- gates ------------------------------------------------------------------------------------------------------------


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


# --- the judge's own misdeeds -----------------------------------------------------------------------------------------


def misled(mock: Mock, **misdeed: Any) -> Client:
    """A client that has been answered once, and was then treated so."""
    client = Client(mock.listen("ok"))
    client.exchange()
    mock.call("act", conn=1, **misdeed)
    return client


@pytest.mark.parametrize(("do", "end", "event"), [
    ("fin", "fin", "fin_sent"),
    ("half_close", "fin", "fin_sent"),
    ("rst", "rst", "rst_sent"),
])
def test_act_ends_a_connection(mock: Mock, do: str, end: str, event: str) -> None:
    client = misled(mock, do=do)
    assert client.rest() == (b"", end)
    assert mock.await_event(event).get("half", False) is (do == "half_close")


@pytest.mark.parametrize("data", ["hello", {"base64": "/wAB"}])
def test_act_sends_bytes(mock: Mock, data: object) -> None:
    client = misled(mock, do="send", data=data)
    expected = b"hello" if data == "hello" else b"\xff\0\1"
    assert client.bytes(len(expected)) == expected
    assert {"bytes": len(expected), "what": "data"}.items() <= mock.await_event("stray").items()


def test_act_sends_an_urgent_byte(mock: Mock) -> None:
    client = misled(mock, do="urgent", data="!")
    select.select([], [], [client.socket], PATIENCE_S)
    client.socket.setblocking(False)
    assert client.socket.recv(1, socket.MSG_OOB) == b"!"
    assert mock.await_event("stray")["what"] == "urgent"


def test_act_stops_reading(mock: Mock) -> None:
    client = misled(mock, do="stop_reading")
    client.get()
    client.finish()
    mock.call("books")
    assert mock.events() == ["accepted", "request", "response"]


def test_act_closes_and_the_kernel_answers_what_is_late(mock: Mock) -> None:
    client = misled(mock, do="close")
    assert client.rest() == (b"", "fin")
    client.get()
    with pytest.raises(BrokenPipeError):
        client.get()
    mock.call("books")
    assert mock.events() == ["accepted", "request", "response", "fin_sent", "closed"]


def test_act_closes_over_unread_bytes(mock: Mock) -> None:
    client = misled(mock, do="close_unread")
    assert client.is_quiet()
    client.get()
    assert client.rest() == (b"", "rst")
    mock.await_event("closed")
    assert mock.events() == ["accepted", "request", "response", "rst_sent", "closed"]


def test_act_closes_over_unread_bytes_or_sees_the_end(mock: Mock) -> None:
    client = misled(mock, do="close_unread")
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
    client = misled(mock, do="fin")
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
