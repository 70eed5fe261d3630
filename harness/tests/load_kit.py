"""What the tests of the load generator share: the program under the sanitizers, a run to its end, a server of another make."""

from __future__ import annotations

import fcntl
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mock_server import PATIENCE_S, PROJECT, Mock


@cache
def program(name: str = "load") -> Path:
    """Builds it where it is stale; the lock is the one under which the mock server is built."""
    (PROJECT.root / "build").mkdir(exist_ok=True)
    with (PROJECT.root / "build" / "server.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            ["make", "-s", "VARIANT=san", f"build/san/{name}"], cwd=PROJECT.root, capture_output=True, text=True, check=False
        )
    assert made.returncode == 0, made.stdout + made.stderr
    return PROJECT.program(name)


def run(url: str, *args: str) -> dict[str, Any]:
    """Runs to the end, and gives the figures."""
    ran = subprocess.run([program(), url, "--json", "-", *args], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "Sanitizer" not in ran.stderr and "runtime error" not in ran.stderr, ran.stderr
    figures = json.loads(ran.stdout)
    assert figures["requests"] == figures["ok"] + figures["failed"] + figures["unfinished"]
    assert figures["failed"] == sum(error["count"] for error in figures["errors"])
    return figures


def url_of(address: str) -> str:
    return f"http://{address}" + (":/" if address.startswith("unix:") else "/")


def books(mock: Mock) -> dict[str, int]:
    return mock.call("books")["listeners"]["origin"]


@contextmanager
def server_that_says(body_for: Callable[[int, str], str], status: int = 200) -> Iterator[str]:
    """A server of another make; body_for is given the request's number and its target. Gives its URL."""
    numbers = iter(range(1 << 30))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = body_for(next(numbers), self.path).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
