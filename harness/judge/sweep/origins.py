"""The server that closes its idle connections: the mock, or a real one, with the shortest timeout that shows what it does."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge.errors import HarnessError
from judge.journal import Journal
from judge.project import Project
from judge.servers import Servers


@dataclass(frozen=True)
class Kind:
    """A kind of server. It closes between its timeout T and T + closes_over_ms."""

    title: str
    option: str  # the timeout's name in its own words
    timeout_ms: float
    closes_over_ms: float
    before_ms: float  # from where to where a sweep goes, around [T, T + closes_over_ms], and in which steps
    behind_ms: float
    step_ms: float


KINDS = {
    "mock": Kind("the mock server (close-idle)", "--after-ms", 200, 0, 4, 4, 0.25),
    "nginx": Kind("nginx", "keepalive_timeout", 200, 0, 4, 4, 0.25),
    # Tomcat looks for idle connections about once a second: they end somewhere in [T, T + 1 s]
    "tomcat": Kind("Tomcat", "keepAliveTimeout", 500, 1000, 150, 250, 50),
}
NOT_THEIR_OTHER_LIMITS = {"nginx": {"keepalive_requests": 1000}, "tomcat": {"maxKeepAliveRequests": -1}}


@contextmanager
def origin(project: Project, kind: str, timeout_ms: float, scratch: Path) -> Iterator[tuple[str, int | None]]:
    """URL of a running server, and the process to watch (of the mock, which is ours)."""
    if kind == "mock":
        with Servers(project, Journal(), scratch / "server.log") as servers:
            behaviour = {"name": "close-idle", "after_ms": timeout_ms}
            address = servers.listen("origin", "127.0.0.1:0", behaviours=[behaviour], trace="none")
            yield f"http://{address}/", servers.child.process.pid
        return
    with real(kind, {**NOT_THEIR_OTHER_LIMITS[kind], **timeout_option(kind, timeout_ms)}, scratch / kind) as address:
        yield f"http://{address}/ok", None


def timeout_option(kind: str, timeout_ms: float) -> dict[str, Any]:
    return {KINDS[kind].option: f"{timeout_ms:g}ms" if kind == "nginx" else round(timeout_ms)}


@contextmanager
def real(kind: str, options: dict[str, Any], folder: Path) -> Iterator[str]:
    """The address of a real server (servers/real/KIND.py) while it runs."""
    from servers.real._process import RealServerError

    module = importlib.import_module(f"servers.real.{kind}")
    try:
        with getattr(module, kind.capitalize())(options, folder) as server:
            yield server.address
    except RealServerError as err:
        raise HarnessError(str(err)) from None
