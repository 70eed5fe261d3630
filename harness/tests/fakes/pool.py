"""A right pool, small and slow, written against the documents alone: the judge is not to be tested by our C pool only.

It is one subject of the protocol at socket level. A wrong pool overrides one method of Pool (see wrong.py)."""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
from collections import deque
from typing import Any

FEATURES = ["pool_name", "pool_size", "unix", "reused_times", "idle_timeout", "max_idle", "batch", "stats"]


class Conn:
    """A connection: in an object's hands or idle in the pool."""

    def __init__(self, sock: socket.socket, key: str) -> None:
        self.sock, self.key = sock, key
        self.buffer = b""  # read, not yet asked for
        self.eof = False
        self.reused = 0
        self.opened = time.monotonic()
        self.deadline: float | None = None  # when idle for too long

    def look(self) -> str:
        """What there is to read, without taking it."""
        try:
            return "data" if self.sock.recv(1, socket.MSG_PEEK) else "eof"
        except BlockingIOError:
            return "quiet"
        except OSError:
            return "error"


class Object:
    """What a label stands for: one socket object of the API."""

    def __init__(self) -> None:
        self.conn: Conn | None = None
        self.waiting: deque[dict[str, Any]] = deque()  # commands; the first is under way where `until` is set
        self.until: float | None = None


class Pool:
    size, idle_timeout_ms, read_timeout_ms = 30, 60_000.0, 60_000.0

    def __init__(self) -> None:
        self.idle: dict[str, list[Conn]] = {}  # by key, least recently returned first
        self.sizes: dict[str, int] = {}
        self.in_use: list[Conn] = []

    # What a wrong pool does wrong.

    def watched(self) -> list[Conn]:
        return [conn for conns in self.idle.values() for conn in conns]

    def victim(self, conns: list[Conn]) -> Conn:
        return conns[0]

    def take(self, conns: list[Conn]) -> Conn:
        return conns.pop()

    def fit_to_reuse(self, conn: Conn) -> bool:
        return conn.look() == "quiet"

    def lifetime_ms(self, asked: float | None) -> float:
        return self.idle_timeout_ms if asked is None else asked

    def is_dubious(self, conn: Conn) -> bool:
        return conn.look() == "data"

    def size_of(self, key: str, asked: int | None) -> int:
        return self.sizes.setdefault(key, asked if asked is not None else self.size)

    def after_success(self, obj: Object) -> None:
        obj.conn = None

    # The API.

    def connect(self, obj: Object, address: Any, key: str) -> dict[str, Any]:
        if obj.conn:
            self.drop(obj.conn)
            obj.conn = None
        while conns := self.idle.get(key):
            conn = self.take(conns)
            if self.fit_to_reuse(conn):
                conn.reused += 1
                break
            self.drop(conn)
        else:
            unix = isinstance(address, str)
            sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
            try:
                sock.connect(address)
            except ConnectionRefusedError:
                return {"ok": False, "err": "connection refused"}
            except OSError as err:
                return {"ok": False, "err": os.strerror(err.errno).lower()}
            sock.setblocking(False)
            conn = Conn(sock, key)
        self.in_use.append(conn)
        obj.conn = conn
        port = {} if isinstance(address, str) else {"local_port": conn.sock.getsockname()[1]}
        return {"ok": True, "reused": conn.reused, **port}

    def setkeepalive(self, obj: Object, timeout_ms: float | None, size: int | None) -> dict[str, Any]:
        conn = obj.conn
        if timeout_ms is not None and timeout_ms < 0:
            return {"ok": False, "err": "bad timeout"}
        if conn is None or conn.eof:
            return {"ok": False, "err": "closed"}
        if conn.buffer:
            return {"ok": False, "err": "unread data in buffer"}
        if conn.look() in ("eof", "error"):
            obj.conn = None
            self.drop(conn)
            return {"ok": False, "err": "closed"}
        if self.is_dubious(conn):
            obj.conn = None
            self.drop(conn)
            return {"ok": False, "err": "connection in dubious state"}
        if size is not None and size <= 0 and conn.key not in self.sizes:
            return {"ok": False, "err": f'bad "pool_size" option value: {size}'}
        limit = self.size_of(conn.key, size)
        conns = self.idle.setdefault(conn.key, [])
        if len(conns) >= limit:
            gone = self.victim(conns)
            conns.remove(gone)
            self.drop(gone)
        lifetime_ms = self.lifetime_ms(timeout_ms)
        conn.deadline = time.monotonic() + lifetime_ms / 1000 if lifetime_ms else None
        self.in_use.remove(conn)
        conns.append(conn)
        self.after_success(obj)
        return {"ok": True, "value": 1}

    def drop(self, conn: Conn) -> None:
        conn.sock.close()
        if conn in self.in_use:
            self.in_use.remove(conn)
        for conns in self.idle.values():
            if conn in conns:
                conns.remove(conn)
        for key in [key for key in self.sizes if not self.idle.get(key) and not any(c.key == key for c in self.in_use)]:
            del self.sizes[key]

    def tick(self, readable: list[socket.socket]) -> None:
        """Idle connections whose time is over, or on which something has happened."""
        now = time.monotonic()
        for conn in [conn for conns in self.idle.values() for conn in conns]:
            if conn.sock in readable or (conn.deadline is not None and now >= conn.deadline):
                self.drop(conn)


class Adapter:
    """The protocol around a pool."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.objects: dict[str, Object] = {}
        self.input = b""
        self.running = True

    def run(self) -> int:
        self.say({"protocol": "subject/1", "name": "fake", "version": "0", "level": ["socket"], "features": FEATURES})
        while self.running:
            self.turn()
        return 0

    def say(self, line: dict[str, Any]) -> None:
        os.write(1, (json.dumps(line) + "\n").encode())

    def turn(self) -> None:
        watched = self.pool.watched()
        reading = [obj for obj in self.objects.values() if obj.until is not None and obj.conn]
        deadlines = [conn.deadline for conns in self.pool.idle.values() for conn in conns]
        times = [t for t in (*deadlines, *(obj.until for obj in reading)) if t is not None]
        timeout = max(0.0, min(times) - time.monotonic()) if times else None
        readable, _, _ = select.select([0, *(c.sock for c in watched), *(o.conn.sock for o in reading)], [], [], timeout)
        self.pool.tick([one for one in readable if one != 0])
        for obj in reading:
            self.advance(obj)
        if 0 in readable:
            data = os.read(0, 1 << 16)
            self.running = self.running and bool(data)
            *lines, self.input = (self.input + data).split(b"\n")
            for line in lines:
                self.command(json.loads(line))

    def command(self, line: dict[str, Any], batch: bool = False) -> None:
        if line["op"] == "batch":
            for one in line["commands"]:
                self.command(one, batch=True)
            return self.answer(line, {"ok": True})
        if "sock" not in line:
            return self.answer(line, self.general(line))
        obj = self.objects.setdefault(line["sock"], Object())
        obj.waiting.append(line)
        if len(obj.waiting) == 1:
            self.advance(obj)

    def general(self, line: dict[str, Any]) -> dict[str, Any]:
        pool = self.pool
        if line["op"] == "configure":
            pool.size = line.get("max_idle", pool.size)
            pool.idle_timeout_ms = line.get("idle_timeout_ms", pool.idle_timeout_ms)
            pool.read_timeout_ms = line.get("read_timeout_ms", pool.read_timeout_ms)
        elif line["op"] == "block":
            time.sleep(line["ms"] / 1000)
        elif line["op"] == "stats":
            return {"ok": True, "pools": {key: {"idle": len(conns)} for key, conns in pool.idle.items()}}
        elif line["op"] == "quit":
            self.running = False
        else:
            return {"ok": False, "err": "protocol: unknown op"}
        return {"ok": True}

    def answer(self, line: dict[str, Any], reply: dict[str, Any]) -> None:
        self.say({"id": line["id"], **reply})

    def advance(self, obj: Object) -> None:
        """Goes on with an object's commands as far as they go."""
        while obj.waiting:
            line = obj.waiting[0]
            reply = self.do(obj, line)
            if reply is None:
                return
            obj.until = None
            obj.waiting.popleft()
            self.answer(line, reply)

    def do(self, obj: Object, line: dict[str, Any]) -> dict[str, Any] | None:
        op = line["op"]
        if op == "connect":
            options = line.get("options") or {}
            address = line.get("unix") or (line["host"], line["port"])
            key = options.get("pool") or (f"unix:{address}" if "unix" in line else f"{address[0]}:{address[1]}")
            return self.pool.connect(obj, address, key)
        if op == "settimeouts":
            obj.read_ms = line.get("read_ms")
            return {"ok": True}
        if obj.conn is None:
            return {"ok": False, "err": "closed"}
        if op == "receive":
            return self.receive(obj, line)
        if op == "setkeepalive":
            return self.pool.setkeepalive(obj, line.get("timeout_ms"), line.get("size"))
        if op == "getreusedtimes":
            return {"ok": True, "value": obj.conn.reused}
        if op == "close":
            self.pool.drop(obj.conn)
            obj.conn = None
            return {"ok": True, "value": 1}
        if op == "send":
            try:
                return {"ok": True, "sent": obj.conn.sock.send(line["data"].encode())}
            except OSError as err:
                return {"ok": False, "err": os.strerror(err.errno).lower()}
        return {"ok": False, "err": "protocol: unknown op"}

    def receive(self, obj: Object, line: dict[str, Any]) -> dict[str, Any] | None:
        conn, error = obj.conn, None
        try:
            while data := conn.sock.recv(4096):
                conn.buffer += data
            conn.eof = True
        except BlockingIOError:
            pass
        except OSError as err:
            conn.eof, error = True, os.strerror(err.errno).lower()
        taken = self.cut(conn, line)
        if taken is not None:
            return {"ok": True, "data": taken.decode()}
        now = time.monotonic()
        if obj.until is None:
            ms = getattr(obj, "read_ms", None) or self.pool.read_timeout_ms
            obj.until = now + ms / 1000
        if conn.eof or now >= obj.until:
            partial, conn.buffer = conn.buffer.decode(errors="replace"), b""
            return {"ok": False, "err": (error or "closed") if conn.eof else "timeout", "partial": partial}
        return None

    def cut(self, conn: Conn, line: dict[str, Any]) -> bytes | None:
        """What was asked for, taken from the buffer once it is there."""
        if line.get("line"):
            if b"\n" not in conn.buffer:
                return None
            taken, _, conn.buffer = conn.buffer.partition(b"\n")
            return taken.replace(b"\r", b"")
        count = line.get("bytes")
        if line.get("any") and conn.buffer:
            count = min(line["any"], len(conn.buffer))
        if line.get("all") and conn.eof:
            count = len(conn.buffer)
        if count is None or len(conn.buffer) < count:
            return None
        taken, conn.buffer = conn.buffer[:count], conn.buffer[count:]
        return taken


def main(pool: Pool) -> None:
    sys.exit(Adapter(pool).run())
