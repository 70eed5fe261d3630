"""What the article "keepalive 连接池" says of Tomcat, asked of the real one: Tomcat 10.1 here, Tomcat 8 there. No pool is in it."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from servers.real.tomcat import Tomcat

PATIENCE_S = 20.0  # for what must happen; a test that passes never waits that long
LOOKS_EVERY_S = 1.0  # Tomcat examines its timeouts about once a second
LATE_S = 5.0  # what a busy machine may add to an upper bound
SHIPPED = Path("/usr/share/tomcat10/skel/conf/server.xml")  # of Debian's tomcat10-user


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Tomcat with no attribute set."""
    with Tomcat({}, tmp_path_factory.mktemp("tomcat")) as tomcat:
        yield tomcat.address


class Raw:
    """A connection, and no client."""

    def __init__(self, address: str) -> None:
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)

    def ask(self, target: str, *fields: str, version: str = "1.1") -> None:
        self.socket.sendall("\r\n".join([f"GET {target} HTTP/{version}", "Host: a", *fields, "", ""]).encode())

    def answer(self) -> str:
        """One response: its head, and a body that ends with the line's end."""
        data = b""
        while not re.search(rb"\r\n\r\n.*\n", data, re.DOTALL):
            more = self.socket.recv(65536)
            assert more, f"the end of the stream behind {data!r}"
            data += more
        return data.decode()

    def rest(self) -> str:
        """Everything up to the end, which is a FIN: a reset raises."""
        return b"".join(iter(lambda: self.socket.recv(65536), b"")).decode()


@contextlib.contextmanager
def raw(address: str) -> Iterator[Raw]:
    connection = Raw(address)
    with connection.socket:
        yield connection


def fields(answers: str, name: str) -> list[str]:
    return re.findall(rf"^{name}: (.*?)\r$", answers, re.MULTILINE)


# --- HTTP/1.0 -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [[], ["Connection: keepalive"]])
def test_http10_is_answered_in_11_and_closed(default: str, said: list[str]) -> None:
    with raw(default) as client:
        client.ask("/t/1", *said, version="1.0")
        answer = client.rest()
    assert answer.startswith("HTTP/1.1 200")
    assert fields(answer, "Connection") == ["close"]


def test_http10_that_asks_to_stay_does(default: str) -> None:
    with raw(default) as client:
        client.ask("/t/1", "Connection: keep-alive", version="1.0")
        client.ask("/t/2", "Connection: close")
        answers = client.rest()
    assert fields(answers, "Connection") == ["keep-alive", "close"]
    assert re.findall(r" r(\d) /t/(\d)\n", answers) == [("1", "1"), ("2", "2")]


def test_http11_stays_without_a_word(default: str) -> None:
    with raw(default) as client:
        client.ask("/t/1")
        first = client.answer()
        client.ask("/t/2")
        second = client.answer()
    assert fields(first + second, "Connection") == []
    assert second.endswith(" r2 /t/2\n")


def test_keepalive_close_is_no_word_for_closing(default: str) -> None:
    with raw(default) as client:
        client.ask("/t/1", "Connection: keepalive close")
        client.ask("/t/2", "Connection: close")
        answers = client.rest()
    assert fields(answers, "Connection") == ["close"]
    assert re.findall(r" r(\d) /t/(\d)\n", answers) == [("1", "1"), ("2", "2")]


# --- keepAliveTimeout ---------------------------------------------------------------------------------------------------------------


def test_the_default_timeout_is_announced_as_60_s(default: str) -> None:
    with raw(default) as client:
        client.ask("/t/1", "Connection: keep-alive")
        assert fields(client.answer(), "Keep-Alive") == ["timeout=60"]


def shipped_connector() -> dict[str, str]:
    """The attributes of the HTTP connector in the server.xml that comes with Tomcat, without the ports."""
    assert SHIPPED.exists(), f"{SHIPPED} is missing: ./run.sh setup installs Debian's tomcat10-user, which has it"
    found = [one.attrib for one in ElementTree.parse(SHIPPED).iter("Connector") if one.get("protocol") == "HTTP/1.1"]
    assert len(found) == 1
    return {name: value for name, value in found[0].items() if name not in ("protocol", "port", "redirectPort")}


def test_the_shipped_server_xml_sets_20_s(tmp_path: Path) -> None:
    connector = shipped_connector()
    assert connector["connectionTimeout"] == "20000" and "keepAliveTimeout" not in connector
    with Tomcat(connector, tmp_path) as tomcat, raw(tomcat.address) as client:
        client.ask("/t/1", "Connection: keep-alive")
        assert fields(client.answer(), "Keep-Alive") == ["timeout=20"]


@pytest.mark.full
def test_the_shipped_server_xml_closes_after_20_s(tmp_path: Path) -> None:
    with Tomcat(shipped_connector(), tmp_path) as tomcat, raw(tomcat.address) as client:
        asked = time.monotonic()
        client.ask("/t/1")
        client.answer()
        client.socket.settimeout(20 + PATIENCE_S)
        assert client.rest() == ""
        took = time.monotonic() - asked
    assert 20 <= took <= 20 + LOOKS_EVERY_S + LATE_S
    print(f"closed after {took:.2f} s")


@pytest.mark.parametrize(("attributes", "timeout_s"), [
    ({"connectionTimeout": 400}, 0.4),
    ({"connectionTimeout": 400, "keepAliveTimeout": 1600}, 1.6),
])  # fmt: skip
def test_an_idle_connection_is_closed_with_fin(attributes: dict[str, int], timeout_s: float, tmp_path: Path) -> None:
    with Tomcat(attributes, tmp_path) as tomcat, raw(tomcat.address) as client:
        asked = time.monotonic()
        client.ask("/t/1")
        client.answer()
        assert client.rest() == ""
        assert timeout_s <= time.monotonic() - asked <= timeout_s + LOOKS_EVERY_S + LATE_S


def test_minus_one_never_closes(tmp_path: Path) -> None:
    attributes = {"connectionTimeout": 300, "keepAliveTimeout": -1, "maxKeepAliveRequests": -1}
    with Tomcat(attributes, tmp_path) as tomcat, raw(tomcat.address) as client:
        client.ask("/t/1")
        client.answer()
        time.sleep(0.3 + LOOKS_EVERY_S + 0.5)  # nothing happens: that is what is asked
        for _ in range(250):
            client.ask("/t/1")
        client.ask("/t/last", "Connection: close")
        answers = client.rest()
    assert fields(answers, "Connection") == ["close"]
    assert answers.endswith(" r252 /t/last\n")


# --- maxKeepAliveRequests -----------------------------------------------------------------------------------------------------------


def test_the_hundredth_answer_closes(default: str) -> None:
    with raw(default) as client:
        for _ in range(101):
            client.ask("/t/1")
        answers = client.rest()
    assert answers.count("HTTP/1.1 200") == 100
    assert fields(answers, "Connection") == ["close"]
    assert answers.endswith(" r100 /t/1\n")


def test_requests_count_however_long_they_take(tmp_path: Path) -> None:
    with Tomcat({"keepAliveTimeout": 1000, "maxKeepAliveRequests": 3}, tmp_path) as tomcat, raw(tomcat.address) as client:
        begun = time.monotonic()
        for _ in range(2):
            client.ask("/slow/600")
            assert fields(client.answer(), "Connection") == []
        client.ask("/t/3")
        answer = client.rest()
        assert time.monotonic() - begun > 1.0
    assert fields(answer, "Connection") == ["close"]


# --- late requests ------------------------------------------------------------------------------------------------------------------


def test_a_late_request_reads_the_end_of_the_stream(default: str) -> None:
    with raw(default) as client:
        client.ask("/t/1", "Connection: close")
        client.rest()
        client.ask("/t/2")
        assert client.rest() == ""
        until = time.monotonic() + LOOKS_EVERY_S + LATE_S
        with pytest.raises(BrokenPipeError):
            while time.monotonic() < until:
                client.ask("/t/3")
                time.sleep(0.01)
        assert client.rest() == ""
