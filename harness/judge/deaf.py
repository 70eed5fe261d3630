"""A deaf server: it listens and accepts nobody, and its line of connections that wait to be accepted is full, so that the
kernel drops what asks for one more. A connect to it stays under way for as long as its user has patience."""

from __future__ import annotations

import socket

DEAF = "deaf"  # what a scenario says in place of how its server listens


class Deaf:
    """Use as a context."""

    def __enter__(self) -> Deaf:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.filler = socket.create_connection(self.listener.getsockname(), timeout=5)  # a backlog of 0 is a line of one
        return self

    def __exit__(self, *exc: object) -> None:
        self.filler.close()
        self.listener.close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.listener.getsockname()[1]}"
