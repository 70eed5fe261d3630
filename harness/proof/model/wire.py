"""What the kernel knows of a TCP connection on this machine, asked by netlink: whether it is there, and what waits to be read."""

from __future__ import annotations

import errno
import socket
import struct

NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, REQUEST, ERROR = 4, 20, 1, 2
HEADER = struct.Struct("=IHHII")  # bytes, type, flags, sequence, port
ASKS = struct.Struct("=BBxxI")  # family, protocol, states
ENDS = struct.Struct("!HH16s16s")  # ports and addresses, ours first
ANY = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)  # interface, cookie
LOOPBACK = socket.inet_aton("127.0.0.1") + bytes(12)
ESTABLISHED, CLOSE_WAIT = 1, 8
STATE_AT, UNREAD_AT = HEADER.size + 1, HEADER.size + 4 + 48 + 4


class Wire:
    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
        self.socket.settimeout(5)

    def close(self) -> None:
        self.socket.close()

    def look(self, local_port: int, remote_port: int) -> tuple[str, int]:
        """"open", "half" (the peer has sent a FIN) or "gone", and how many bytes nobody has read yet."""
        ask = ASKS.pack(socket.AF_INET, socket.IPPROTO_TCP, 0xFFFFFFFF) + ENDS.pack(local_port, remote_port, LOOPBACK, LOOPBACK) + ANY
        self.socket.send(HEADER.pack(HEADER.size + len(ask), SOCK_DIAG_BY_FAMILY, REQUEST, 0, 0) + ask)
        answer = self.socket.recv(1 << 16)
        if HEADER.unpack_from(answer)[1] == ERROR:
            code = -struct.unpack_from("=i", answer, HEADER.size)[0]
            if code != errno.ENOENT:
                raise OSError(code, "sock_diag")
            return "gone", 0
        state, unread = answer[STATE_AT], struct.unpack_from("=I", answer, UNREAD_AT)[0]
        if state == CLOSE_WAIT:
            return "half", max(0, unread - 1)  # the FIN counts as a byte, unless it was read with the last data
        return ("open", unread) if state == ESTABLISHED else ("gone", 0)
