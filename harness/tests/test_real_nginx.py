"""What an article on nginx's keepalive_time says, asked of the real one. No pool is in it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mock_server import Client

from servers.real._process import RealServerError
from servers.real.nginx import Nginx

AGE_S = 0.6  # keepalive_time and its like: long enough for a busy machine to do a few requests within
MSIE6 = "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)"
SAFARI = "User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605 (KHTML, like Gecko) Version/16 Safari/605"


@pytest.fixture(scope="module")
def aging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an nginx whose connections are soon too old, and that lets them idle for longer."""
    with Nginx({"keepalive_time": f"{AGE_S * 1000:.0f}ms", "keepalive_timeout": "5s 9s"}, tmp_path_factory.mktemp("aging")) as nginx:
        yield nginx.address


def said(client: Client, target: str = "/ok", *fields: str, **more: Any) -> str:
    """What the answer's Connection field says."""
    client.get(target, *fields, **more)
    return client.response()[1]["connection"]


# --- keepalive_time ---------------------------------------------------------------------------------------------------


def test_it_may_stand_in_http_server_and_location(tmp_path: Path) -> None:
    with Nginx({"keepalive_time": "1h", "more_keepalive_time": "200ms"}, tmp_path) as nginx:
        client = Client(nginx.address)
        assert said(client) == "keep-alive"
        time.sleep(0.4)
        assert [said(client), said(client, "/more")] == ["keep-alive", "close"]


def test_a_later_request_is_the_last(aging: str) -> None:
    client = Client(aging)
    assert said(client) == "keep-alive"
    time.sleep(AGE_S + 0.1)
    assert client.is_quiet(), "an idle connection is not closed for its age"
    assert said(client) == "close"
    assert client.rest() == (b"", "fin")


def test_a_request_that_began_in_time_is_not_the_last(aging: str) -> None:
    client = Client(aging)
    assert said(client, "/slow/1000") == "keep-alive"
    assert said(client) == "close"


def test_the_age_counts_from_the_accept(aging: str) -> None:
    client = Client(aging)
    time.sleep(AGE_S + 0.1)
    assert said(client) == "close", "its first request"


# --- what else the quoted source decides ------------------------------------------------------------------------------


def test_the_header_s_value_is_fixed(aging: str) -> None:
    client = Client(aging)
    found = []
    for _ in range(2):
        client.get("/ok")
        found.append(client.response()[1]["keep-alive"])
        time.sleep(0.2)
    assert found == ["timeout=9"] * 2


def test_timeout_0_closes(aging: str) -> None:
    assert said(Client(aging), "/close") == "close"


def test_the_last_of_keepalive_requests_closes(tmp_path: Path) -> None:
    with Nginx({"keepalive_requests": 3}, tmp_path) as nginx:
        client = Client(nginx.address)
        assert [said(client) for _ in range(3)] == ["keep-alive", "keep-alive", "close"]


def test_browsers_that_are_disabled(tmp_path: Path) -> None:
    with Nginx({"keepalive_disable": "msie6 safari"}, tmp_path) as nginx:
        asked = [(MSIE6, "GET"), (MSIE6, "POST"), (SAFARI, "GET"), (SAFARI, "POST")]
        answers = [said(Client(nginx.address), "/ok", agent, method=method) for agent, method in asked]
    assert answers == ["keep-alive", "close", "close", "close"]


def test_101_says_upgrade(aging: str) -> None:
    client = Client(aging)
    client.get("/upgrade", "Connection: upgrade", "Upgrade: anything")
    line, fields, _ = client.response(has_body=False)
    assert line.startswith("HTTP/1.1 101") and fields["connection"] == "upgrade"


def test_pipelined_requests_were_read_with_the_one_before(aging: str) -> None:
    client = Client(aging)
    client.send(b"GET /ok/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /ok/2 HTTP/1.1\r\nHost: a\r\n\r\n")
    client.socket.shutdown(socket.SHUT_WR)
    assert [client.response()[2].split()[-1] for _ in range(2)] == [b"/ok/1", b"/ok/2"]


# --- keepalive_timeout ------------------------------------------------------------------------------------------------


def test_an_idle_connection_is_closed_when_its_timer_fires(tmp_path: Path) -> None:
    with Nginx({"keepalive_timeout": "300ms"}, tmp_path) as nginx:
        client = Client(nginx.address)
        asked = time.monotonic()
        said(client)
        assert client.rest() == (b"", "fin")
        assert time.monotonic() - asked >= 0.29  # nginx's clock advances once in a turn of its loop


def test_the_next_request_s_first_byte_stops_the_timer(tmp_path: Path) -> None:
    with Nginx({"keepalive_timeout": "500ms"}, tmp_path) as nginx:
        client = Client(nginx.address)
        said(client)
        client.send(b"GET /ok HTTP/1.1\r\n")
        time.sleep(0.8)
        client.send(b"Host: a\r\n\r\n")
        assert client.response()[0] == "HTTP/1.1 200 OK"


def test_a_client_that_closes_its_idle_connection(aging: str) -> None:
    client = Client(aging)
    said(client)
    client.socket.shutdown(socket.SHUT_WR)
    assert client.rest() == (b"", "fin"), "nginx closes, too, long before its timeout"


@pytest.mark.parametrize(("value", "error"), [
    ("1s; keepalive_timeout 2s", '"keepalive_timeout" directive is duplicate'),
    ("soon", '"keepalive_timeout" directive invalid value'),
    ("1s soon", '"keepalive_timeout" directive invalid value'),
])
def test_configurations_that_are_refused(value: str, error: str, tmp_path: Path) -> None:
    with pytest.raises(RealServerError, match=error), Nginx({"keepalive_timeout": value}, tmp_path):
        pass


# --- reload -----------------------------------------------------------------------------------------------------------


def test_a_reload_closes_behind_a_response_that_said_keep_alive(tmp_path: Path) -> None:
    """20 MB are more than the kernels take of a response that nobody reads: it is on its way until we go on."""
    with Nginx({"master_process": "on"}, tmp_path) as nginx:
        idle, client = Client(nginx.address), Client(nginx.address)
        said(idle)
        client.get("/big/20000000")
        head = client.bytes(1000)
        nginx.order("reload")
        assert idle.rest() == (b"", "fin"), "the old worker has quit"
        body, end = client.rest()
    assert b"\r\nConnection: keep-alive\r\n" in head
    assert len(head + body) == 20_000_000 + head.index(b"\r\n\r\n") + 4 and end == "fin"
