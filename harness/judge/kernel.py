"""What only the kernel knows, asked while a script runs: the states of a connection's two ends, and whether a port may be bound."""

from __future__ import annotations

import errno
import socket
import time
from typing import Any

from judge.errors import HarnessError
from judge.sockets import SocketTable

LOOK_S = 0.005  # between two looks: a change of state is no event that could be waited for


def states(address: str, peer: int, wanted: dict[str, str | None], within_s: float) -> dict[str, str]:
    """Of the connection from local port `peer` to the server at `address`: as soon as they are as wanted, or when time is up."""
    port = parts(address)[2]
    deadline = time.monotonic() + within_s
    try:
        with SocketTable() as table:
            while True:
                found = table.of(port, peer)
                if all(state in (None, found[side]) for side, state in wanted.items()) or time.monotonic() > deadline:
                    return found
                time.sleep(LOOK_S)
    except OSError as err:
        raise HarnessError(f"the kernel's table of sockets cannot be read (inet_diag): {err.strerror}") from None


def bind(address: str, reuse: bool) -> str | None:
    """The errno's name, or None where listening was allowed. It ends at once."""
    family, host, port = parts(address)
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        try:
            one.bind((host, port))
            one.listen(1)
        except OSError as err:
            return errno.errorcode[err.errno]
    return None


def parts(address: str) -> tuple[Any, str, int]:
    if address.startswith("unix:"):
        raise HarnessError("a unix socket has no ports that the kernel would tell of")
    host, _, port = address.rpartition(":")
    return (socket.AF_INET6 if host.startswith("[") else socket.AF_INET), host.strip("[]"), int(port)
