"""Each behaviour of the mock server: what a raw client sees, and what the trace says of it."""

from __future__ import annotations

import select
import time
from pathlib import Path

import pytest
from mock_server import PATIENCE_S, Client, Mock, ms_between, now_ns

FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nc1 r0 /forged\n"
TIMEOUT_408 = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
STRAY = {"byte": b"X", "crlf": b"\r\n", "408": TIMEOUT_408, "200": FORGED}
WHOLE = ["accepted", "request", "response"]


def connect(mock: Mock, name: str, **options: object) -> Client:
    return Client(mock.listen({"name": name, **options}))


# --- the server that behaves ------------------------------------------------------------------------------------------


def test_ok_answers_each_request_on_one_connection(mock: Mock) -> None:
    client = connect(mock, "ok")
    before = now_ns()
    client.get("/t/00000000002a")
    status, fields, body = client.response()
    assert (status, body) == ("HTTP/1.1 200 OK", b"c1 r1 /t/00000000002a\n")
    assert fields == {"content-length": "22"}, "HTTP/1.1 stays open without saying so"
    assert client.exchange("/t/2b") == b"c1 r2 /t/2b\n"
    client.finish()
    mock.await_event("closed")
    assert mock.events() == ["accepted", "request", "response", "request", "response", "fin_seen", "closed"]
    assert before < mock.await_event("request")["t"] < now_ns()
    assert mock.await_event("accepted")["listener"] == "origin"
    request, response = mock.await_event("request"), mock.await_event("response")
    assert {"req": 1, "method": "GET", "target": "/t/00000000002a", "bytes": 41}.items() <= request.items()
    assert {"req": 1, "status": 200, "bytes": 61, "keep": True, "end": "complete"}.items() <= response.items()
    mock.quit()
    books = mock.books()
    assert (books["requests"], books["responses"], books["fault"], books["end"]) == (2, 2, None, "fin_seen")


def test_ok_names_the_connection_and_its_peer(mock: Mock) -> None:
    address = mock.listen("ok")
    clients = [Client(address) for _ in range(3)]
    for number, client in enumerate(clients, 1):
        assert client.exchange() == b"c%d r1 /t/1\n" % number
        assert mock.await_event("accepted", number)["peer"] == client.port


def test_ok_reads_a_request_in_pieces_and_with_a_body(mock: Mock) -> None:
    client = connect(mock, "ok")
    for piece in (b"POST /t", b"/x HTTP/1.1\r\nHo", b"st: a\r\nContent-Length: 5\r\n\r", b"\nhel", b"lo"):
        client.send(piece)
    assert client.response()[2] == b"c1 r1 /t/x\n"
    assert {"method": "POST", "target": "/t/x", "bytes": 55}.items() <= mock.await_event("request").items()


def test_ok_answers_pipelined_requests_in_order(mock: Mock) -> None:
    client = connect(mock, "ok")
    client.send(b"".join(b"GET /t/%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(200)))
    assert [client.response()[2] for _ in range(200)] == [b"c1 r%d /t/%d\n" % (i + 1, i) for i in range(200)]


@pytest.mark.parametrize(("version", "said", "answered", "stays"), [
    ("1.1", None, None, True),
    ("1.1", "close", "close", False),
    ("1.1", "keep-alive, close", "close", False),
    ("1.0", None, "close", False),
    ("1.0", "keep-alive", "keep-alive", True),
])
def test_ok_does_what_the_client_asks(mock: Mock, version: str, said: str | None, answered: str | None, stays: bool) -> None:
    client = connect(mock, "ok")
    client.get("/", *([f"Connection: {said}"] if said else []), version=version)
    assert client.response()[1].get("connection") == answered
    assert mock.await_event("response")["keep"] is stays
    if stays:
        assert client.exchange() == b"c1 r2 /t/1\n"
    else:
        assert client.rest() == (b"", "fin")
        assert mock.events()[:4] == [*WHOLE, "fin_sent"]


def test_ok_answers_head_without_a_body(mock: Mock) -> None:
    client = connect(mock, "ok")
    client.get("/t/1", method="HEAD")
    assert client.response(has_body=False)[1]["content-length"] == "11"
    assert mock.await_event("response")["bytes"] == len("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n")
    client.get("/t/2")
    assert client.response()[0] == "HTTP/1.1 200 OK", "and not a body"


def test_a_long_target_is_cut(mock: Mock) -> None:
    target = "/" + "x" * 3000
    client = connect(mock, "ok")
    assert client.exchange(target) == b"c1 r1 " + target[:200].encode() + b"\n"
    assert mock.await_event("request")["target"] == target[:200]


def test_a_target_may_hold_anything(mock: Mock) -> None:
    client = connect(mock, "ok")
    client.exchange('/"\\\u00e9')
    assert mock.await_event("request")["target"] == '/"\\\u00c3\u00a9', "one character for each byte"


def test_body_bytes_pads_and_never_cuts(mock: Mock) -> None:
    client = connect(mock, "ok", body_bytes=1_000_000)
    body = client.exchange()
    assert len(body) == 1_000_000 and body[:11] == b"c1 r1 /t/1\n" and set(body[11:]) == {ord(".")}
    mock.listen({"name": "ok", "body_bytes": 3}, name="short")
    assert client.exchange() == body.replace(b"r1", b"r2")


def test_keep_alive_header_is_said_where_it_need_not(mock: Mock) -> None:
    client = connect(mock, "ok", keep_alive_header=True)
    client.get()
    assert client.response()[1]["connection"] == "keep-alive"


def test_what_is_no_http_is_refused(mock: Mock) -> None:
    client = connect(mock, "ok")
    client.send(b"flush_all\r\n")
    status, fields, _ = client.response()
    assert (status, fields["connection"]) == ("HTTP/1.1 400 Bad Request", "close")
    assert client.rest() == (b"", "fin")
    assert mock.await_event("wrong")["bytes"] == 11
    assert mock.call("books")["listeners"]["origin"]["wrong"] == 1


def test_a_client_s_reset_is_told_from_its_fin(mock: Mock) -> None:
    client = connect(mock, "ok")
    client.exchange()
    client.reset()
    assert mock.await_event("rst_seen")["errno"] == "ECONNRESET"
    mock.await_event("closed")
    assert mock.events() == [*WHOLE, "rst_seen", "closed"]
    mock.quit()
    assert mock.books()["end"] == "rst_seen"


# --- idle -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "option", "cause", "end"), [
    ("close-idle", "after_ms", "fin_sent", "fin"), ("reset-idle", "after_ms", "rst_sent", "rst"),
    ("close-after", "idle_ms", "fin_sent", "fin"),
])
def test_an_idle_connection_is_ended_after_its_time_and_never_before(
    mock: Mock, name: str, option: str, cause: str, end: str,
) -> None:
    client = connect(mock, name, **{option: 60})
    client.exchange()
    assert client.rest() == (b"", end)
    response, ended = mock.await_event("response"), mock.await_event(cause)
    assert ms_between(response, ended) >= 60
    client.finish()
    mock.await_event("closed")
    assert mock.events()[:4] == [*WHOLE, cause]
    mock.quit()
    books = mock.books()
    assert (books["fault"], books["end"], books["requests_after_fault"]) == (end, cause, 0)
    assert books["fault_t"] == books["end_t"] == ended["t"]


def test_the_idle_time_starts_again_with_each_response(mock: Mock) -> None:
    client = connect(mock, "close-idle", after_ms=300)
    for _ in range(4):
        client.exchange()
        mock.call("books")
    client.rest()
    assert ms_between(mock.await_event("response", count=4), mock.await_event("fin_sent")) >= 300


def test_the_idle_time_is_not_short_after_a_busy_turn_of_the_loop(mock: Mock) -> None:
    """The loop's clock stands while it works: 500 requests in one read, and the time starts with the last response."""
    client = connect(mock, "close-idle", after_ms=30)
    client.send(b"GET /t/1 HTTP/1.1\r\n\r\n" * 500)
    client.rest()
    assert ms_between(mock.await_event("response", count=500), mock.await_event("fin_sent")) >= 30


@pytest.mark.parametrize(("name", "option"), [("close-idle", "after_ms"), ("nginx", "keepalive_timeout_ms")])
def test_a_request_that_came_before_the_server_looked_is_answered(mock: Mock, name: str, option: str) -> None:
    """As in nginx and Tomcat. Nobody reads the server's trace, and it waits for that while a time passes; then both are there."""
    address, flood = mock.listen({"name": name, option: 2000}, {"name": "ok"}), b"GET /t/1 HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
    client, other = Client(address), Client(address)
    client.exchange()
    with mock.news:  # without it, the trace is not read
        other.send(flood)
        await_full(mock.process.pid)
        client.get("/t/2")
        time.sleep(2.1)
    assert client.response()[2] == b"c1 r2 /t/2\n"


def await_full(pid: int) -> None:
    """Until it cannot write to its standard output, a pipe."""
    deadline = time.monotonic() + PATIENCE_S
    with Path(f"/proc/{pid}/fd/1").open("wb", buffering=0) as pipe:
        while select.select([], [pipe], [], 0)[1]:
            assert time.monotonic() < deadline
            time.sleep(0.001)


def test_the_first_byte_of_a_request_ends_the_idle_time(mock: Mock) -> None:
    address = mock.listen({"name": "close-idle", "after_ms": 400}, {"name": "close-idle", "after_ms": 600})
    begun, witness = Client(address), Client(address)
    begun.exchange()
    begun.send(b"GET /t/2 HT")
    witness.exchange()
    witness.rest()
    begun.send(b"TP/1.1\r\n\r\n")
    assert begun.response()[2] == b"c1 r2 /t/2\n", "the other one, later and longer, has been closed meanwhile"


def test_a_connection_without_a_request_is_not_idle(mock: Mock) -> None:
    address = mock.listen({"name": "close-idle", "after_ms": 20})
    silent, other = Client(address), Client(address)
    other.exchange()
    other.rest()
    assert silent.is_quiet()


def test_bytes_behind_our_fin_are_late_and_answered_with_rst(mock: Mock) -> None:
    client = connect(mock, "close-idle", after_ms=0)
    client.exchange()
    client.rest()
    client.get("/t/late")
    assert mock.await_event("late")["bytes"] == len("GET /t/late HTTP/1.1\r\nHost: a\r\n\r\n")
    mock.await_event("closed")
    assert mock.events() == [*WHOLE, "fin_sent", "late", "rst_sent", "closed"]
    with pytest.raises(BrokenPipeError):
        client.get("/t/later")
    mock.quit()
    books = mock.books()
    assert (books["requests"], books["requests_after_fault"], books["fault"], books["end"]) == (1, 1, "fin", "fin_sent")
    assert books["first_after_fault_t"] == mock.await_event("late")["t"] > books["fault_t"]


@pytest.mark.parametrize("what", STRAY)
def test_stray_idle_sends_what_it_says_and_stays(mock: Mock, what: str) -> None:
    client = connect(mock, "stray-idle", what=what, after_ms=40)
    client.exchange()
    assert client.bytes(len(STRAY[what])) == STRAY[what]
    stray = mock.await_event("stray")
    assert (stray["what"], stray["bytes"]) == (what, len(STRAY[what]))
    assert ms_between(mock.await_event("response"), stray) >= 40
    assert client.exchange("/t/2") == b"c1 r2 /t/2\n", "it is still open"
    client.finish()
    mock.await_event("closed")
    mock.quit()
    books = mock.books()
    assert (books["fault"], books["fault_t"], books["requests_after_fault"]) == ("stray", stray["t"], 1)
    assert books["first_after_fault_t"] == mock.await_event("request", req=2)["t"]


# --- at a request -----------------------------------------------------------------------------------------------------


def test_reset_accept_comes_before_any_request(mock: Mock) -> None:
    client = connect(mock, "reset-accept")
    assert client.rest() == (b"", "rst")
    mock.await_event("closed")
    assert mock.events() == ["accepted", "rst_sent", "closed"]


def test_reset_request_before_any_byte(mock: Mock) -> None:
    client = connect(mock, "reset-request")
    client.get()
    assert client.rest() == (b"", "rst")
    mock.await_event("closed")
    assert mock.events() == ["accepted", "request", "rst_sent", "closed"]


@pytest.mark.parametrize("at", ["head", "body"])
def test_reset_request_in_the_middle(mock: Mock, at: str) -> None:
    client = connect(mock, "reset-request", at=at, body_bytes=1000)
    client.get()
    data, end = client.rest()
    assert end == "rst"
    assert data.startswith(b"HTTP/1.1 200 OK\r\n")
    assert (b"\r\n\r\n" in data) == (at == "body")
    if at == "body":
        assert b"Content-Length: 1000" in data and len(data.split(b"\r\n\r\n")[1]) == 500
    response = mock.await_event("response")
    assert (response["end"], response["bytes"]) == ("truncated", len(data))
    mock.await_event("closed")
    assert mock.events() == [*WHOLE, "rst_sent", "closed"]


def test_fin_request(mock: Mock) -> None:
    client = connect(mock, "fin-request")
    client.get()
    assert client.rest() == (b"", "fin")
    assert mock.events() == ["accepted", "request", "fin_sent"]


def test_truncated(mock: Mock) -> None:
    client = connect(mock, "truncated", body_bytes=100)
    client.get()
    data, end = client.rest()
    head, body = data.split(b"\r\n\r\n")
    assert (b"Content-Length: 100" in head, len(body), end) == (True, 50, "fin")
    response = mock.await_event("response")
    assert (response["end"], response["bytes"], response["keep"]) == ("truncated", len(data), True)
    assert mock.events() == [*WHOLE, "fin_sent"]


def test_stall_reads_and_says_nothing(mock: Mock) -> None:
    client = connect(mock, "stall")
    client.get("/t/1")
    mock.await_event("mark", mark="stalled")
    client.get("/t/2")
    mock.call("books")
    assert client.is_quiet()
    client.finish()
    mock.await_event("closed")
    assert mock.events() == ["accepted", "request", "mark", "fin_seen", "closed"]


def test_slow_begins_late(mock: Mock) -> None:
    client = connect(mock, "slow", delay_ms=50)
    assert client.exchange() == b"c1 r1 /t/1\n"
    assert ms_between(mock.await_event("request"), mock.await_event("response")) >= 50


def test_slow_drips(mock: Mock) -> None:
    client = connect(mock, "slow", delay_ms=0, drip_ms=150, drip_bytes=30)
    client.get()
    pieces = [client.socket.recv(65536), client.socket.recv(65536)]
    assert [len(piece) for piece in pieces] == [30, 20]
    assert b"".join(pieces) == b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nc1 r1 /t/1\n"
    assert mock.await_event("response")["bytes"] == 50
    assert ms_between(mock.await_event("mark", mark="first bytes"), mock.await_event("response")) >= 150
    assert client.exchange("/t/2") == b"c1 r2 /t/2\n"


def test_slow_answers_a_client_that_has_finished_sending(mock: Mock) -> None:
    client = connect(mock, "slow", delay_ms=30)
    client.get()
    client.socket.shutdown(1)
    assert client.response()[2] == b"c1 r1 /t/1\n"
    assert client.rest() == (b"", "fin")
    mock.await_event("closed")
    assert mock.events() == ["accepted", "request", "fin_seen", "mark", "response", "closed"]


def test_slow_keeps_pipelined_requests_for_later(mock: Mock) -> None:
    client = connect(mock, "slow", delay_ms=20)
    client.get("/t/1")
    client.get("/t/2")
    client.send(b"GET /t/3 HTTP/1.1\r\n")
    assert [client.response()[2] for _ in range(2)] == [b"c1 r1 /t/1\n", b"c1 r2 /t/2\n"]
    client.send(b"\r\n")
    assert client.response()[2] == b"c1 r3 /t/3\n"
    for req in (1, 2):
        assert mock.await_event("response", req=req)["t"] < mock.await_event("request", req=req + 1)["t"]


# --- behind a response ------------------------------------------------------------------------------------------------


def test_fin_behind_breaks_its_promise(mock: Mock) -> None:
    client = connect(mock, "fin-behind")
    client.get()
    assert "connection" not in client.response()[1]
    assert client.rest() == (b"", "fin")
    assert mock.await_event("response")["keep"] is True
    assert mock.events() == [*WHOLE, "fin_sent"]


@pytest.mark.parametrize("announced", [True, False])
def test_close_after_the_nth_response(mock: Mock, announced: bool) -> None:
    client = connect(mock, "close-after", requests=3, announced=announced)
    said = []
    for _ in range(3):
        client.get()
        said.append(client.response()[1].get("connection"))
    assert said == [None, None, "close" if announced else None]
    assert client.rest() == (b"", "fin")
    assert [mock.await_event("response", count=n)["keep"] for n in (1, 2, 3)] == [True, True, not announced]
    assert mock.events() == ["accepted", *["request", "response"] * 3, "fin_sent"]


@pytest.mark.parametrize("what", STRAY)
def test_stray_glued_is_one_write(mock: Mock, what: str) -> None:
    client = connect(mock, "stray-glued", what=what)
    client.get()
    whole = client.socket.recv(65536)
    assert whole == b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nc1 r1 /t/1\n" + STRAY[what]
    assert mock.events() == [*WHOLE, "stray"]
    assert mock.await_event("response")["bytes"] == 50
    assert mock.await_event("stray")["what"] == what
    assert client.exchange("/t/2") == b"c1 r2 /t/2\n", "it stays open"


def test_half_close_goes_on_reading_and_never_answers(mock: Mock) -> None:
    client = connect(mock, "half-close")
    client.exchange()
    assert client.rest() == (b"", "fin")
    assert mock.await_event("fin_sent")["half"] is True
    client.get("/t/2")
    client.get("/t/3")
    mock.await_event("request", req=3)
    client.finish()
    mock.await_event("closed")
    assert mock.events() == [*WHOLE, "fin_sent", "request", "request", "fin_seen", "closed"]
    mock.quit()
    books = mock.books()
    assert (books["requests"], books["responses"], books["requests_after_fault"], books["end"]) == (3, 1, 2, "fin_sent")


def test_close_announced_open_stays_open(mock: Mock) -> None:
    client = connect(mock, "close-announced-open")
    for n in (1, 2):
        client.get("/t/1", *(["Connection: close"] if n == 2 else []))
        assert client.response()[1]["connection"] == "close"
    mock.call("books")
    assert client.is_quiet()
    assert mock.await_event("response", count=2)["keep"] is False
    assert mock.events() == [*WHOLE, "request", "response"]


@pytest.mark.parametrize("keep_alive", [True, False])
def test_http10(mock: Mock, keep_alive: bool) -> None:
    client = connect(mock, "http10", keep_alive=keep_alive)
    client.get()
    status, fields, body = client.response()
    assert (status, body) == ("HTTP/1.0 200 OK", b"c1 r1 /t/1\n")
    assert fields.get("connection") == ("keep-alive" if keep_alive else None)
    assert mock.await_event("response")["keep"] is keep_alive
    if keep_alive:
        assert client.exchange() == b"c1 r2 /t/1\n"
    else:
        assert client.rest() == (b"", "fin")


def test_keep_alive_hint_may_lie(mock: Mock) -> None:
    client = connect(mock, "keep-alive-hint", timeout_s=7, honest_ms=50)
    client.get()
    fields = client.response()[1]
    assert (fields["keep-alive"], fields["connection"]) == ("timeout=7", "keep-alive")
    assert client.rest() == (b"", "fin")
    assert 50 <= ms_between(mock.await_event("response"), mock.await_event("fin_sent")) < 7000
