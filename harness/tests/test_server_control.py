"""How the mock server is steered: which behaviour comes when, and what is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from mock_server import Client, Mock

# --- which behaviour comes when ---------------------------------------------------------------------------------------


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


# --- what is told -----------------------------------------------------------------------------------------------------


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
