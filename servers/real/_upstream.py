"""The server behind nginx, for the targets that nginx cannot make by itself: those that take time, read a body, have no length."""

from __future__ import annotations

import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """nginx has read the request's body in full before it asks."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.close_connection = True
        words = self.path.split("/")
        if words[1] == "upgrade" and self.headers.get("Upgrade"):
            self.upgrade()
            return
        if words[1] == "slow" and len(words) > 2 and words[2].isdigit():
            time.sleep(int(words[2]) / 1000)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        if words[1] == "unknown-length":
            body = b"." * 100
        else:
            body = f"{self.headers.get('X-Who', '')} {self.path}\n".encode()
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def upgrade(self) -> None:
        """An echo, until the other side ends it."""
        self.send_response(101)
        self.send_header("Upgrade", self.headers["Upgrade"])
        self.send_header("Connection", "upgrade")
        self.end_headers()
        while data := self.connection.recv(1 << 16):
            self.wfile.write(data)

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):  # whatever the method
            return self.answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        pass  # nginx has a log


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 1024  # a connect that finds the queue full comes again a second later
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """nginx has gone away: its client had."""


class Upstream:
    """Listens at `address` on loopback until `stop`, in threads of this process."""

    def __init__(self) -> None:
        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = "{}:{}".format(*self._server.server_address)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
