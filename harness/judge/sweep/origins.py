"""The server that closes its idle connections: the mock, a real one, or the mock in the real one's stead; with the shortest timeout
that shows what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.journal import Journal
from judge.project import Project
from judge.real_server import running
from judge.servers import Servers


@dataclass(frozen=True)
class Kind:
    """A kind of server. It closes between its timeout T and T + closes_over_ms."""

    title: str
    option: str  # the timeout's name in its own words
    timeout_ms: float
    timeout: Callable[[float], dict[str, Any]]  # the option that sets it; its other limits are out of the way
    real: str = ""  # of servers/real/
    behaviour: str = ""  # or of the mock server
    closes_over_ms: float = 0
    before_ms: float = 4  # from where to where a sweep goes, around [T, T + closes_over_ms], and in which steps
    behind_ms: float = 4
    step_ms: float = 0.25


# Tomcat looks for idle connections about once a second: they end somewhere in [T, T + 1 s]
COARSE = {"closes_over_ms": 1000.0, "before_ms": 150.0, "behind_ms": 250.0, "step_ms": 50.0}
KINDS = {
    "mock": Kind("the mock server (close-idle)", "--after-ms", 200, lambda ms: {"after_ms": ms}, behaviour="close-idle"),
    "nginx": Kind("nginx", "keepalive_timeout", 200, lambda ms: {"keepalive_timeout": f"{ms:g}ms"}, real="nginx"),
    "mock-nginx": Kind("the mock server as nginx", "--keepalive-timeout-ms", 200, lambda ms: {"keepalive_timeout_ms": ms},
                       behaviour="nginx"),
    "tomcat": Kind("Tomcat", "keepAliveTimeout", 500, lambda ms: {"keepAliveTimeout": round(ms), "maxKeepAliveRequests": -1},
                   real="tomcat", **COARSE),
    "mock-tomcat": Kind("the mock server as Tomcat", "--keep-alive-timeout-ms", 500,
                        lambda ms: {"keep_alive_timeout_ms": round(ms), "max_keep_alive_requests": -1}, behaviour="tomcat", **COARSE),
}  # fmt: skip


@contextmanager
def origin(project: Project, kind: Kind, timeout_ms: float, scratch: Path) -> Iterator[str]:
    """The URL of a running server."""
    options = kind.timeout(timeout_ms)
    if kind.real:
        with running({"kind": kind.real, **options}, scratch / kind.real) as server:
            yield f"http://{server.address}/ok"
        return
    with Servers(project, Journal(), scratch / "server.log") as servers:
        yield f"http://{servers.listen('origin', '127.0.0.1:0', behaviours=[{'name': kind.behaviour, **options}], trace='none')}/"
