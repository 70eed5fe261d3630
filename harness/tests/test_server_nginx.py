"""The behaviour `nginx`: what a raw client sees of it, as nginx's documentation has it and nginx 1.22.1 was seen to do it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from mock_server import Client, Mock, ms_between

SAFARI = "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 (KHTML, like Gecko) Version/16 Safari/605"
MSIE6 = "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"
MSIE6_SP2 = "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)"
HALF_A_BODY = b"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"


def connect(mock: Mock, **options: Any) -> Client:
    return Client(mock.listen({"name": "nginx", **options}))


def said(client: Client, target: str = "/ok", *fields: str, **more: Any) -> tuple[int, str, str | None]:
    """Status, Connection and Keep-Alive of the answer to one request."""
    client.get(target, *fields, **more)
    status, found, _ = client.response()
    return int(status.split()[1]), found["connection"], found.get("keep-alive")


def ends_after(mock: Mock, ev: str = "response", end: str = "fin_sent", count: int = 1) -> float:
    return ms_between(mock.await_event(ev, count=count), mock.await_event(end))


# --- limits -----------------------------------------------------------------------------------------------------------


def test_an_idle_connection_ends_with_fin_counted_from_the_last_answer(mock: Mock) -> None:
    client = connect(mock, keepalive_timeout_ms=400)
    for _ in range(2):
        assert said(client) == (200, "keep-alive", None), "written although HTTP/1.1 need not"
    assert client.rest() == (b"", "fin")
    assert ends_after(mock, count=2) >= 400


def test_the_header_timeout_is_said_and_does_nothing(mock: Mock) -> None:
    client = connect(mock, keepalive_timeout_ms=50, header_timeout_s=9)
    assert said(client) == (200, "keep-alive", "timeout=9")
    assert client.rest() == (b"", "fin")


def test_a_timeout_of_0_is_no_keep_alive(mock: Mock) -> None:
    client = connect(mock, keepalive_timeout_ms=0)
    assert said(client) == (200, "close", None)
    assert client.rest() == (b"", "fin")


@pytest.mark.parametrize(("limit", "kept"), [(3, 2), (1, 0), (0, 0)])
def test_the_last_request_says_close(mock: Mock, limit: int, kept: int) -> None:
    client = connect(mock, keepalive_requests=limit)
    assert [said(client)[1] for _ in range(kept)] == ["keep-alive"] * kept
    assert said(client)[1] == "close"
    assert client.rest() == (b"", "fin")


def test_the_age_is_looked_at_when_a_request_begins(mock: Mock) -> None:
    client = connect(mock, keepalive_time_ms=400)
    assert said(client, "/slow/450")[1] == "keep-alive", "it began in time"
    assert said(client)[1] == "close"


def test_the_age_counts_from_the_accept(mock: Mock) -> None:
    address = mock.listen({"name": "nginx", "keepalive_time_ms": 400})
    client, other = Client(address), Client(address)
    assert said(other, "/slow/450")[1] == "keep-alive"
    assert said(client)[1] == "close", "its first request"


def test_a_location_has_limits_of_its_own(mock: Mock) -> None:
    client = connect(mock, keepalive_requests=2, more_keepalive_requests=5, more_keepalive_timeout_ms=400)
    assert [said(client, "/more")[1] for _ in range(4)] == ["keep-alive"] * 4
    assert said(client)[1] == "close", "the counter is the connection's, the limit the location's"
    other = Client(mock.listen({"name": "nginx", "more_keepalive_timeout_ms": 400}, name="other"))
    assert said(other)[1] == said(other, "/more")[1] == "keep-alive"
    assert other.rest() == (b"", "fin"), "the last location's timeout"


@pytest.mark.parametrize(("disable", "agent", "get", "post"), [
    ("msie6", MSIE6, "keep-alive", "close"),
    ("msie6", MSIE6_SP2, "keep-alive", "keep-alive"),
    ("msie6", SAFARI, "keep-alive", "keep-alive"),
    ("safari", SAFARI, "close", "close"),
    ("safari", MSIE6, "keep-alive", "keep-alive"),
    ("both", MSIE6, "keep-alive", "close"),
    ("none", SAFARI, "keep-alive", "keep-alive"),
])
def test_keepalive_disable(mock: Mock, disable: str, agent: str, get: str, post: str) -> None:
    address = mock.listen({"name": "nginx", "keepalive_disable": disable})
    assert said(Client(address), "/ok", agent)[1] == get
    assert said(Client(address), "/ok", agent, method="POST")[1] == post


# --- what the client says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "fields", "answered"), [
    ("1.0", [], "close"),
    ("1.0", ["Connection: Keep-Alive"], "keep-alive"),
    ("1.1", ["Connection: keep-alive, close"], "close"),
    ("1.1", ["Connection: x-disclosed"], "close"),
    ("1.1", ["Connection: close", "Connection: keep-alive"], "keep-alive"),
    ("1.1", ["Keep-Alive: timeout=1, max=1"], "keep-alive"),
])
def test_connection_is_searched_for_words(mock: Mock, version: str, fields: list[str], answered: str) -> None:
    assert said(connect(mock), "/ok", *fields, version=version)[1] == answered


def test_an_unknown_length_is_chunked_or_ends_the_connection(mock: Mock) -> None:
    client = connect(mock)
    client.get("/unknown-length")
    client._until(lambda: client.held.endswith(b"\r\n0\r\n\r\n"))
    head = client.held.split(b"\r\n\r\n")[0]
    assert b"Transfer-Encoding: chunked" in head and b"Connection: keep-alive" in head
    client.held = b""
    client.get("/unknown-length", "Connection: keep-alive", version="1.0")
    head, body = client.rest()[0].split(b"\r\n\r\n")
    assert b"Connection: close" in head and b"ength" not in head and body == b"." * 100


@pytest.mark.parametrize(("status", "answered"), [
    (200, "keep-alive"), (400, "close"), (404, "keep-alive"), (413, "close"), (414, "close"), (500, "close"), (501, "close"),
    (503, "keep-alive"), (505, "keep-alive"),
])
def test_some_statuses_close(mock: Mock, status: int, answered: str) -> None:
    assert said(connect(mock), f"/status/{status}") == (status, answered, None)


@pytest.mark.parametrize("status", [408, 444])
def test_some_statuses_are_not_a_byte(mock: Mock, status: int) -> None:
    client = connect(mock)
    client.get(f"/status/{status}")
    assert client.rest() == (b"", "fin")


@pytest.mark.parametrize(("sent", "status"), [
    (b"garbage\r\n\r\n", 400),
    (b"GET /ok HTTP/1.1\r\n\r\n", 400),
    (b"get /ok HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    (b"GET /ok HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"TRACE /ok HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    (b"POST /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: foo\r\n\r\n", 501),
    (b"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET /ok HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 400),
])
def test_protocol_errors_on_a_used_connection(mock: Mock, sent: bytes, status: int) -> None:
    client = connect(mock)
    said(client)
    client.send(sent)
    line, fields, _ = client.response()
    assert (int(line.split()[1]), fields["connection"]) == (status, "close")
    assert client.rest() == (b"", "fin")


# --- time, bodies, ends -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reset", "end"), [(False, "fin"), (True, "rst")])
def test_a_head_that_never_ends(mock: Mock, reset: bool, end: str) -> None:
    client = connect(mock, client_header_timeout_ms=400, reset_timedout_connection=reset)
    said(client)
    client.send(b"\r")
    assert client.rest() == (b"", end), "not a byte of 408"


def test_no_request_at_all(mock: Mock) -> None:
    client = connect(mock, client_header_timeout_ms=400, reset_timedout_connection=True)
    assert client.rest() == (b"", "fin"), "and no RST"
    assert ends_after(mock, "accepted") >= 400


def test_a_body_that_nobody_wants(mock: Mock) -> None:
    client = connect(mock, lingering_timeout_ms=400)
    client.send(HALF_A_BODY)
    assert client.response()[1]["connection"] == "keep-alive", "answered before the body is there"
    client.send(b"67890")
    assert said(client)[0] == 200, "the rest was dropped"
    client.send(HALF_A_BODY)
    client.response()
    assert client.rest() == (b"", "fin"), "keep-alive is no promise"


@pytest.mark.parametrize(("lingering_ms", "from_ms", "to_ms"), [(800, 700, math.inf), (30_000, 600, 20_000)])
def test_behind_a_dropped_body_a_timer_that_is_near_is_kept(mock: Mock, lingering_ms: int, from_ms: float, to_ms: float) -> None:
    client = connect(mock, keepalive_timeout_ms=600, lingering_timeout_ms=lingering_ms)
    client.send(HALF_A_BODY)
    client.response()
    client.send(b"67890")
    assert client.rest() == (b"", "fin")
    assert from_ms <= ends_after(mock) < to_ms


def test_a_body_that_is_read(mock: Mock) -> None:
    client = connect(mock, client_body_timeout_ms=400)
    client.send(HALF_A_BODY.replace(b"/ok", b"/read-body"))
    client.send(b"67890")
    assert client.response()[2] == b"c1 r1 /read-body\n"
    client.send(HALF_A_BODY.replace(b"/ok", b"/read-body"))
    assert client.rest() == (b"", "fin")


def test_413_waits_for_the_rest_before_its_fin(mock: Mock) -> None:
    client = connect(mock, client_max_body_size_bytes=5, lingering_timeout_ms=400)
    client.send(HALF_A_BODY)
    line, fields, _ = client.response()
    assert (line, fields["connection"]) == ("HTTP/1.1 413 Request Entity Too Large", "close")
    assert client.rest() == (b"", "fin")
    assert ends_after(mock) >= 400


def test_the_limit_drops_what_was_pipelined_behind_it(mock: Mock) -> None:
    client = connect(mock, keepalive_requests=3, lingering_timeout_ms=200)
    client.send(b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
    assert [client.response()[1]["connection"] for _ in range(3)] == ["keep-alive", "keep-alive", "close"]
    assert client.rest() == (b"", "fin")
    client.send(b"late")
    mock.await_event("late")
    client.send(b"late")
    mock.await_event("late", count=2)
    assert "rst_sent" not in mock.events(), "absorbed: requests were pipelined"


def test_what_lingers_ends_when_the_client_is_quiet(mock: Mock) -> None:
    client = connect(mock, keepalive_timeout_ms=0, lingering_close="always", lingering_timeout_ms=400)
    said(client)
    client.send(b"late")
    mock.await_event("late")
    late = Client(mock.listen({"name": "nginx", "keepalive_timeout_ms": 0}, name="off"))
    said(late)
    late.send(b"late")
    mock.await_event("rst_sent", conn=2)


def test_lingering_close_off_over_many_unread_bytes(mock: Mock) -> None:
    client = connect(mock, keepalive_requests=1, lingering_close="off")
    client.send(b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
    assert client.rest()[1] == "rst"


def test_a_client_that_has_finished_sending(mock: Mock) -> None:
    client = connect(mock)
    client.get("/ok")
    client.socket.shutdown(1)
    assert client.response()[1]["connection"] == "keep-alive"
    assert client.rest() == (b"", "fin")


def test_101_is_no_http_any_more(mock: Mock) -> None:
    client = connect(mock)
    client.get("/upgrade", "Upgrade: poolspec", "Connection: upgrade")
    line, fields, _ = client.response(has_body=False)
    assert (line, fields["connection"]) == ("HTTP/1.1 101 Switching Protocols", "upgrade")
    client.get("/ok")
    assert mock.await_event("switched")["bytes"] > 0
    assert client.is_quiet()


# --- many connections, and orders -------------------------------------------------------------------------------------


def test_under_pressure_the_longest_idle_go(mock: Mock) -> None:
    address = mock.listen({"name": "nginx", "worker_connections": 16})
    clients = []
    for _ in range(15):
        clients.append(Client(address))
        said(clients[-1])
    assert [client.rest() for client in clients[:2]] == [(b"", "fin")] * 2
    mock.await_event("fin_sent", conn=2)
    assert all(client.is_quiet() for client in clients[2:])


def test_under_pressure_an_eighth_goes_at_once(mock: Mock) -> None:
    address = mock.listen({"name": "nginx", "worker_connections": 64})
    clients = [Client(address) for _ in range(59)]
    for client in clients[7:]:
        assert said(client)[0] == 200
    assert [client.rest() for client in clients[:7]] == [(b"", "fin")] * 7


def test_with_nobody_idle_newcomers_are_turned_away(mock: Mock) -> None:
    address = mock.listen({"name": "nginx", "worker_connections": 4, "gate": "g"})
    busy = [Client(address) for _ in range(2)]
    for conn, client in enumerate(busy, 1):
        client.get("/ok")
        mock.await_event("gate", conn=conn)
    assert Client(address).rest() == (b"", "fin")
    mock.call("release", gate="g", count=2)
    assert all(client.response()[0] == "HTTP/1.1 200 OK" for client in busy)


def test_reload_and_quit(mock: Mock) -> None:
    address = mock.listen({"name": "nginx", "gate": "g"})
    mock.call("release", gate="g")
    idle, fresh, half, busy = (Client(address) for _ in range(4))
    said(idle)
    half.send(b"GET /ok HTTP/1.1\r\n")
    busy.get("/ok")
    mock.await_event("gate", conn=4)
    mock.call("order", name="origin", order="reload")
    newcomer = Client(address)
    assert idle.rest() == (b"", "fin")
    mock.call("release", gate="g", count=3)
    fresh.get("/ok")
    half.send(b"Host: a\r\n\r\n")
    for client in (fresh, half, busy):
        assert client.response()[1]["connection"] == "close"
        assert client.rest() == (b"", "fin")
    mock.call("release", gate="g")
    assert said(newcomer)[1] == "keep-alive", "it has a new worker"
    mock.call("order", name="origin", order="quit")
    assert newcomer.rest() == (b"", "fin")
    with pytest.raises(ConnectionRefusedError):
        Client(address)


def test_stop_cuts(mock: Mock) -> None:
    client = connect(mock)
    client.get("/big/20000000")
    mock.await_event("response")
    mock.call("order", name="origin", order="stop")
    data, end = client.rest()
    assert len(data) < 20_000_000 and end == "fin"


def test_an_order_that_nobody_knows(mock: Mock) -> None:
    mock.listen("nginx")
    assert mock.ask("order", name="origin", order="relod")["err"].endswith('the nearest is "reload"')
    mock.listen("ok", name="plain")
    assert mock.ask("order", name="plain", order="reload")["err"].startswith('nothing that "plain" serves can be told')
