"""The behaviour `tomcat`: what a raw client sees of it, as Tomcat's documentation has it and Tomcat 10.1 was seen to do it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from mock_server import Client, Mock, ms_between, now_ns

KEEP = "Connection: keep-alive"
HALF_A_BODY = b"POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345"


def connect(mock: Mock, **options: Any) -> Client:
    """To the textbook's server, unless a quantum is given."""
    return Client(mock.listen({"name": "tomcat", "quantum_ms": 0} | options))


def said(client: Client, target: str = "/ok", *fields: str, **more: Any) -> tuple[str, str | None, str | None]:
    """Status line, Connection and Keep-Alive of the answer to one request."""
    client.get(target, *fields, **more)
    status, found, _ = client.response()
    return status, found.get("connection"), found.get("keep-alive")


def test_the_status_line_has_no_reason_and_says_nothing_of_staying(mock: Mock) -> None:
    client = connect(mock)
    assert said(client) == ("HTTP/1.1 200 ", None, None)
    assert said(client) == ("HTTP/1.1 200 ", None, None)


@pytest.mark.parametrize(("options", "version", "fields", "connection", "keep_alive"), [
    ({}, "1.1", [KEEP], "keep-alive", "timeout=60"),
    ({"keep_alive_timeout_ms": 1500}, "1.1", [KEEP], "keep-alive", "timeout=1"),
    ({"keep_alive_timeout_ms": -1}, "1.1", [KEEP], None, None),
    ({"use_keep_alive_response_header": False}, "1.1", [KEEP], None, None),
    ({}, "1.0", [], "close", None),
    ({}, "1.0", ["Connection: Keep-Alive"], "keep-alive", "timeout=60"),
    ({"keep_alive_timeout_ms": -1}, "1.0", [KEEP], "keep-alive", None),
    ({}, "1.0", ["Connection: keepalive"], "close", None),
    ({}, "1.1", ["Connection: keep-alive, close"], "close", None),
    ({}, "1.1", ["Connection: x-disclosed"], None, None),
    ({}, "1.1", ["Connection: close", KEEP], "close", None),
    ({}, "1.1", [KEEP, "Connection: CLOSE"], "close", None),
])
def test_connection_is_read_by_tokens(
    mock: Mock, options: dict[str, Any], version: str, fields: list[str], connection: str | None, keep_alive: str | None
) -> None:
    assert said(connect(mock, **options), "/ok", *fields, version=version)[1:] == (connection, keep_alive)


@pytest.mark.parametrize(("limit", "kept"), [(3, 2), (1, 0)])
def test_the_last_request_says_close(mock: Mock, limit: int, kept: int) -> None:
    client = connect(mock, max_keep_alive_requests=limit)
    assert [said(client)[1] for _ in range(kept)] == [None] * kept
    assert said(client)[1] == "close"
    assert client.rest() == (b"", "fin")


@pytest.mark.parametrize("limit", [-1, 0])
def test_no_limit(mock: Mock, limit: int) -> None:
    client = connect(mock, max_keep_alive_requests=limit)
    assert {said(client)[1] for _ in range(150)} == {None}


def test_the_default_limit_is_100(mock: Mock) -> None:
    client = connect(mock)
    assert [n for n in range(1, 101) if said(client)[1] == "close"] == [100]


@pytest.mark.parametrize("options", [{"keep_alive_timeout_ms": 60}, {"connection_timeout_ms": 400}])
def test_the_textbook_s_idle_timeout(mock: Mock, options: dict[str, Any]) -> None:
    client = connect(mock, **options)
    said(client)
    assert client.rest() == (b"", "fin")
    assert ms_between(mock.await_event("response"), mock.await_event("fin_sent")) >= 60


def test_the_idle_timeout_is_looked_at_once_in_a_quantum(mock: Mock) -> None:
    address = mock.listen({"name": "tomcat", "keep_alive_timeout_ms": 50, "quantum_ms": 300})
    for conn in range(1, 4):
        client = Client(address)
        said(client)
        assert client.rest() == (b"", "fin")
        answered, ended = (mock.await_event(ev, conn)["t"] / 1e6 for ev in ("response", "fin_sent"))
        assert ended >= math.ceil((answered + 50) / 300) * 300 - 0.001, "whole quanta of the clock, and not the timeout"


def test_never(mock: Mock) -> None:
    client = connect(mock, keep_alive_timeout_ms=-1, connection_timeout_ms=400)
    other = Client(mock.listen({"name": "tomcat", "quantum_ms": 0, "connection_timeout_ms": 400}, name="other"))
    said(client)
    assert other.rest() == (b"", "fin"), "a connection without a request has the other timeout"
    assert client.is_quiet()


def test_the_first_byte_changes_to_the_connection_timeout(mock: Mock) -> None:
    client = connect(mock, keep_alive_timeout_ms=-1, connection_timeout_ms=400)
    said(client)
    client.send(b"GET")
    assert client.rest() == (b"", "fin"), "not a byte of 408"


def test_the_close_is_in_two_steps(mock: Mock) -> None:
    client = connect(mock, max_keep_alive_requests=1, quantum_ms=200)
    assert said(client)[1] == "close"
    assert client.rest() == (b"", "fin")
    client.get()
    mock.await_event("late")
    assert ms_between(mock.await_event("fin_sent"), mock.await_event("rst_sent")) >= 200
    other = Client(mock.listen({"name": "tomcat", "quantum_ms": 0, "max_keep_alive_requests": 1}, name="other"))
    said(other)
    assert other.rest() == (b"", "fin")
    other.get()
    assert ms_between(mock.await_event("late", 2), mock.await_event("rst_sent", 2)) < 200


def test_connection_linger_0_is_a_late_rst_and_no_fin(mock: Mock) -> None:
    client = connect(mock, max_keep_alive_requests=1, connection_linger_s=0, quantum_ms=100)
    said(client)
    assert client.rest() == (b"", "rst")
    assert "fin_sent" not in mock.events()


@pytest.mark.parametrize("status", [200, 204, 301, 400, 404, 408, 411, 413, 414, 429, 500, 501, 502, 503, 504, 505])
def test_some_statuses_close(mock: Mock, status: int) -> None:
    client = connect(mock)
    client.get(f"/status/{status}")
    connection = client.response(has_body=status != 204)[1].get("connection")
    assert connection == ("close" if status in (400, 408, 411, 413, 414, 500, 501, 503) else None)


def test_less_than_it_promised(mock: Mock) -> None:
    client = connect(mock, keep_alive_timeout_ms=60)
    client.get("/short")
    data, end = client.rest()
    assert (data.split(b"\r\n\r\n")[1], end) == (b"." * 10, "fin") and b"Content-Length: 100" in data
    assert mock.await_event("response")["keep"] is True


def test_a_body_that_nobody_reads(mock: Mock) -> None:
    client = connect(mock, connection_timeout_ms=400, keep_alive_timeout_ms=-1)
    client.send(HALF_A_BODY)
    assert "connection" not in client.response()[1]
    client.send(b"67890")
    assert said(client)[0] == "HTTP/1.1 200 "
    client.send(HALF_A_BODY)
    client.response()
    assert client.rest() == (b"", "fin"), "the rest has not come in time"


def test_more_than_it_swallows(mock: Mock) -> None:
    client = connect(mock, max_swallow_size_bytes=4)
    client.send(HALF_A_BODY)
    assert client.response()[1]["connection"] == "close"
    assert client.rest() == (b"", "fin")


def test_a_body_that_is_read_too_slowly(mock: Mock) -> None:
    client = connect(mock, connection_timeout_ms=400)
    client.send(HALF_A_BODY.replace(b"/ok", b"/read-body"))
    status, fields, _ = client.response()
    assert (status, fields["connection"]) == ("HTTP/1.1 400 ", "close")
    assert client.rest() == (b"", "fin")
    assert ms_between(mock.await_event("response"), mock.await_event("fin_sent")) >= 400


def test_pipelined_requests_behind_the_limit_are_dropped(mock: Mock) -> None:
    client = connect(mock, max_keep_alive_requests=3)
    client.send(b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
    assert [client.response()[1].get("connection") for _ in range(3)] == [None, None, "close"]
    assert client.rest() == (b"", "fin")


@pytest.mark.parametrize(("sent", "status"), [
    (b"garbage\r\n\r\n", 400),
    (b"GET /ok HTTP/1.1\r\n\r\n", 400),
    (b"GET /ok HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"POST /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: foo\r\n\r\n", 501),
])
def test_protocol_errors(mock: Mock, sent: bytes, status: int) -> None:
    client = connect(mock)
    client.send(sent)
    line, fields, _ = client.response()
    assert (line, fields.get("connection")) == (f"HTTP/1.1 {status} ", None if status == 505 else "close")
    assert client.rest() == (b"", "fin")


@pytest.mark.parametrize(("before", "field", "said_of_it"), [
    ([], "", None), ([KEEP], "", None), ([], "Connection: close\r\n", "close"), (["A: b"] * 2, "", "close"),
])
def test_another_version_says_close_only_where_it_is_the_last_anyway(
    mock: Mock, before: list[str], field: str, said_of_it: str | None
) -> None:
    client = connect(mock, max_keep_alive_requests=3)
    for other in before:
        said(client, "/ok", other)
    client.send(f"GET /ok HTTP/2.0\r\nHost: a\r\n{field}\r\n".encode())
    line, fields, _ = client.response()
    assert (line, fields.get("connection")) == ("HTTP/1.1 505 ", said_of_it)
    assert client.rest() == (b"", "fin")


def test_newcomers_wait_and_nobody_is_evicted(mock: Mock) -> None:
    address = mock.listen({"name": "tomcat", "quantum_ms": 0, "max_connections": 2})
    first, second, third = (Client(address) for _ in range(3))
    assert said(first)[0] == said(second)[0] == "HTTP/1.1 200 "
    third.get()
    mock.call("books")
    assert third.is_quiet() and first.is_quiet()
    first.finish()
    assert third.response()[2] == b"c3 r1 /t/1\n"


def shut_down(mock: Mock) -> int:
    """When, in ns of the trace's clock."""
    began = now_ns()
    mock.call("order", name="origin", order="shutdown")
    return began


def test_shutdown(mock: Mock) -> None:
    address = mock.listen({"name": "tomcat", "quantum_ms": 0, "unload_delay_ms": 100_000, "unload_ms": 150})
    idle, used, half, busy = (Client(address) for _ in range(4))
    assert said(idle)[0] == said(used)[0] == "HTTP/1.1 200 "
    half.send(b"GET /ok HTTP/1.1\r\n")
    busy.send(HALF_A_BODY.replace(b"/ok", b"/read-body"))
    mock.await_event("request", conn=4)
    shut_down(mock)
    newcomer = Client(address)
    newcomer.get()
    for client, more in ((used, b"GET /ok HTTP/1.1\r\n"), (half, b"Host: a\r\n\r\n")):
        client.send(more)
        assert client.rest() == (b"", "fin"), "a request that comes now gets no answer"
    mock.call("books")
    assert idle.is_quiet() and newcomer.is_quiet(), "one is being served, and nobody is accepted"
    busy.send(b"67890")
    line, fields, _ = busy.response()
    assert line == "HTTP/1.1 200 " and "connection" not in fields
    assert busy.rest() == idle.rest() == (b"", "fin")
    assert ms_between(mock.await_event("response", conn=4), mock.await_event("fin_sent", conn=1)) >= 150
    assert newcomer.rest()[1] == "rst", "the last one has gone, and the listening socket with it"
    with pytest.raises(ConnectionRefusedError):
        Client(address)


def test_shutdown_with_nobody_served_is_at_once(mock: Mock) -> None:
    client = Client(mock.listen({"name": "tomcat", "unload_delay_ms": 100_000}))
    assert said(client)[0] == "HTTP/1.1 200 "
    client.send(b"POST /ok HTTP/1.1\r\nContent-Length: 10\r\nHost: a\r\n\r\n")
    client.response()  # the rest is swallowed
    shut_down(mock)
    assert client.rest() == (b"", "fin")


HALF_A_POST = b"HTTP/1.1\r\nContent-Length: 10"


@pytest.mark.parametrize(("head", "timeout_ms"), [
    (b"GET /slow/100000 HTTP/1.1", 60_000),
    (b"POST /read-body " + HALF_A_POST, 60_000),
    (b"POST /read-body " + HALF_A_POST, -1),
])
def test_shutdown_cuts_what_takes_too_long(mock: Mock, head: bytes, timeout_ms: int) -> None:
    address = mock.listen({"name": "tomcat", "unload_delay_ms": 400, "connection_timeout_ms": timeout_ms})
    idle, busy = Client(address), Client(address)
    busy.send(head + b"\r\nHost: a\r\n\r\n")
    mock.await_event("request", conn=2)
    began = shut_down(mock)
    assert idle.rest() == busy.rest() == (b"", "fin")
    for conn in (1, 2):
        assert mock.await_event("fin_sent", conn=conn)["t"] - began >= 400e6
