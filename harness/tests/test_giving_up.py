"""What TCP does when it gives up: the article "keepalive 连接池" has it send a reset. Asked of the kernel itself; no pool is in it.

The peer is made deaf by a filter on its socket that lets nothing pass but a RST: for the other side that is a network that has
gone away, and a reset would still be seen."""

from __future__ import annotations

import ctypes
import errno
import select
import socket
import struct
from collections.abc import Iterator

import pytest

PATIENCE_S = 30.0  # for what must happen; a test that passes never waits that long
QUIET_S = 0.3  # on loopback a segment is there when the call that sent it returns
GIVE_UP_MS = 1000
SO_ATTACH_FILTER = 26
RST = 0x04
FLAGS_AT = 13  # of a TCP header, which is where the filter of a TCP socket begins to count


def make_deaf(peer: socket.socket) -> None:
    """Classic BPF: load the flags; RST set: pass, else drop (linux/filter.h)."""
    program = struct.pack("HBBI" * 4, 0x30, 0, 0, FLAGS_AT, 0x45, 0, 1, RST, 0x06, 0, 0, 0xFFFF, 0x06, 0, 0, 0)
    code = ctypes.create_string_buffer(program, len(program))
    peer.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 4, ctypes.addressof(code)))


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's socket, and its deaf peer's."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        peer, _ = listener.accept()
        with peer:
            for one in (client, peer):
                one.settimeout(PATIENCE_S)
            make_deaf(peer)
            yield client, peer


def saw_reset(peer: socket.socket) -> bool:
    if not select.select([peer], [], [], QUIET_S)[0]:
        return False
    with pytest.raises(ConnectionResetError):
        peer.recv(1)
    return True


def given_up(client: socket.socket) -> int | None:
    with pytest.raises(OSError) as failed:
        client.recv(1)
    return failed.value.errno


def test_a_reset_passes_the_filter_and_nothing_else_does(ends: tuple[socket.socket, socket.socket]) -> None:
    client, peer = ends
    client.sendall(b"x")
    assert not select.select([peer], [], [], QUIET_S)[0]
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert saw_reset(peer)


def test_unanswered_data_is_given_up_without_a_reset(ends: tuple[socket.socket, socket.socket]) -> None:
    client, peer = ends
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GIVE_UP_MS)
    client.sendall(b"x")
    assert given_up(client) == errno.ETIMEDOUT
    assert not saw_reset(peer)


def test_unanswered_probes_are_given_up_with_a_reset(ends: tuple[socket.socket, socket.socket]) -> None:
    client, peer = ends
    for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT):
        client.setsockopt(socket.IPPROTO_TCP, option, 1)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    assert given_up(client) == errno.ETIMEDOUT
    assert saw_reset(peer)
