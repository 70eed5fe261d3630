"""Short sessions with the reference subject. Without a fault, or with one that nobody above must notice, each goes exactly as
written; under another every command still has its one reply, an error has its words, a response belongs to its caller, nothing
dead is used, no place in a pool is lost, and once the fault is over everything works again."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any

from judge.name_server import NameServer
from proof.faults.lines import Line, Lines, Stuck
from proof.faults.points import is_to_be_unseen

SOON_S = 10.0
PATIENT_MS, SHORT_MS = 10_000, 400  # an operation's time where it has to go well, and where a fault may take the answer away
tokens = itertools.count(1)


def text(data: str | dict[str, str]) -> str:
    """A byte string of the protocol."""
    return data if isinstance(data, str) else base64.b64decode(data["base64"]).decode("latin-1")


class Peer:
    """The mock server, for any number of sessions one after another."""

    def __init__(self, server: Lines, unix_path: str, names: NameServer) -> None:
        self.server = server
        self.names = names
        self.unix = unix_path
        self.ok = self._listen("ok", "127.0.0.1:0", {"name": "ok"})
        self.stall = self._listen("stall", "127.0.0.1:0", {"name": "stall"})
        self._listen("unix", f"unix:{unix_path}", {"name": "ok"})

    def _listen(self, name: str, address: str, behaviour: Line) -> int:
        reply = self.server.do("listen", name=name, address=address, on="connection", behaviours=[behaviour], trace="full")
        assert reply["ok"], reply
        return reply["port"]

    def saw(self, ev: str, conn: int) -> bool:
        return any(line.get("ev") == ev and line.get("conn") == conn for line in list(self.server.said))

    def await_end(self, conn: int) -> bool:
        """Whether the other side has closed the connection, soon."""
        ends = ("fin_seen", "rst_seen")
        try:
            self.server.wait(lambda line: line.get("conn") == conn and line.get("ev") in ends, "an end", SOON_S)
        except Stuck:
            return False
        return True


class Session:
    """One run of a session against one process."""

    def __init__(self, subject: Lines, peer: Peer, fault: str) -> None:
        self.subject, self.peer = subject, peer
        self.clean = not fault or is_to_be_unseen(fault)
        # libev tells of a watch that failed only when something else wakes it: then a connection's end is not seen at once.
        self.unwatched = fault.startswith("lib.epoll_ctl")
        self.patience_ms = PATIENT_MS if self.clean else SHORT_MS
        self.wrong: list[str] = []
        self.socks: set[str] = set()

    def claim(self, holds: bool, sentence: str) -> None:
        """Must hold whatever fails below."""
        if not holds:
            self.wrong.append(sentence)

    def expect(self, holds: bool, sentence: str) -> None:
        """Must hold where nothing fails."""
        self.claim(holds or not self.clean, f"nothing had failed, and yet: {sentence}")

    def start(self, op: str, **fields: Any) -> int:
        if "sock" in fields:
            self.socks.add(fields["sock"])
        return self.subject.start(op, **fields)

    def take(self, number: int, op: str) -> Line:
        reply = self.subject.reply(number, op)
        self.claim(reply["ok"] or bool(reply.get("err")), f"{op} failed without a word: {reply}")
        return reply

    def do(self, op: str, *, err: str | None = None, **fields: Any) -> Line:
        """`err`: what it says where nothing fails; None: it goes well."""
        reply = self.take(self.start(op, **fields), op)
        self.expect(reply.get("err") == err, f"{op} {fields} said {reply}")
        return reply

    def configure(self, **fields: Any) -> None:
        """Timeouts by which every command has its answer."""
        self.do("configure", **{f"{what}_timeout_ms": self.patience_ms for what in ("connect", "send", "read")} | fields)

    def connect(self, sock: str, **fields: Any) -> Line:
        return self.do("connect", **{"sock": sock, "host": "127.0.0.1", "port": self.peer.ok} | fields)

    def exchange(self, sock: str) -> int:
        """A request and its whole response on a connected socket. Returns the server's number of the connection; 0: it failed."""
        target = f"/t/{next(tokens):012x}"
        if not self.do("send", sock=sock, data=f"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n")["ok"]:
            return 0
        length = 0
        while True:
            head = self.do("receive", sock=sock, line=True)
            if not head["ok"]:
                return 0
            line = text(head["data"])
            if not line:
                break
            name, _, value = line.partition(":")
            length = int(value) if name.lower() == "content-length" else length
        body = self.do("receive", sock=sock, bytes=length)
        if not body["ok"]:
            return 0
        words = text(body["data"]).split()
        right = len(words) == 3 and words[2] == target
        self.claim(right, f"the response to {target} was {words}")
        return int(words[0][1:]) if right else 0

    def keep(self, sock: str, **fields: Any) -> bool:
        return self.do("setkeepalive", sock=sock, **fields)["ok"]

    def recover(self, sock: str = "last", **fields: Any) -> None:
        """After whatever failed once: the next or the one after it goes well."""
        for attempt in "12":
            if not self.unwatched:
                self.do("settimeouts", sock=sock + attempt, connect_ms=PATIENT_MS, send_ms=PATIENT_MS, read_ms=PATIENT_MS)
            if self.connect(sock + attempt, **fields)["ok"] and self.exchange(sock + attempt):
                self.do("close", sock=sock + attempt)
                return
        self.wrong.append("not even a second try went well after a fault that came once")

    def finish(self, recovers: bool, **fields: Any) -> None:
        if recovers:
            self.recover(**fields)
        for sock in sorted(self.socks):
            while self.take(self.start("close", sock=sock), "close")["id"] is None:
                continue  # it could not even be read
        stats = self.do("stats")
        for pool in stats.get("pools", []):
            held = {name: pool[name] for name in ("in_use", "connecting", "queued") if pool[name]}
            self.claim(not held, f"a place is lost for ever: {pool}")


# --- the sessions -------------------------------------------------------------------------------------------------------------


def exchange(s: Session) -> None:
    """Check-in, reuse, expiry, what a closed object says."""
    s.configure(max_idle=2)
    s.connect("a")
    first = s.exchange("a")
    s.keep("a")
    again = s.connect("a")
    s.expect(again.get("reused") == 1, f"reused {again}")
    second = s.exchange("a")
    s.expect(first == second, "the same connection")
    s.do("getreusedtimes", sock="a")
    if s.keep("a", timeout_ms=20, size=3) and second:
        s.claim(s.peer.await_end(second), f"connection {second} outlived its idle timeout of 20 ms")
    s.do("setkeepalive", sock="a", err="closed")
    s.do("receive", sock="a", any=10, err="closed")
    s.do("connect", sock="u", unix=s.peer.unix)
    s.exchange("u")
    s.keep("u")
    s.do("close", sock="u", err="closed")
    s.do("connect", sock="u", unix="/nowhere/at/all", err="no such file or directory")
    s.do("connect", sock="r", host="127.0.0.1", port=1, err="connection refused")


def queue(s: Session) -> None:
    """A limited pool: in line, served, refused, timed out, cancelled."""
    s.configure()
    limited = {"options": {"pool": "q", "pool_size": 1, "backlog": 1}}
    s.connect("a", **limited)
    waiting = s.start("connect", sock="b", host="127.0.0.1", port=s.peer.ok, **limited)
    third = s.take(s.start("connect", sock="c", host="127.0.0.1", port=s.peer.ok, **limited), "connect")
    s.expect(third.get("err") == "too many waiting connect operations", f"the third: {third}")
    s.exchange("a")
    if s.take(s.start("setkeepalive", sock="a"), "setkeepalive")["ok"] is False:
        s.take(s.start("close", sock="a"), "close")
    served = s.take(waiting, "the connect in line")
    s.expect(served.get("reused") == 1, f"in line: {served}")
    s.do("settimeouts", sock="d", connect_ms=20)
    late = s.take(s.start("connect", sock="d", host="127.0.0.1", port=s.peer.ok, **limited), "connect in line")
    s.expect(late.get("err") == "timeout", f"in line too long: {late}")
    given_up = s.start("connect", sock="e", host="127.0.0.1", port=s.peer.ok, **limited)
    s.take(s.start("cancel", target=given_up), "cancel")
    s.expect(s.take(given_up, "the cancelled connect").get("err") == "cancelled", "cancelled")


def peer(s: Session) -> None:
    """The peer ends or dirties an idle connection, and one in use."""
    s.configure()
    for number, misdeed in enumerate(("fin", "rst", "send")):
        sock = f"a{number}"
        s.connect(sock)
        conn = s.exchange(sock)
        s.keep(sock)
        if not conn or s.peer.saw("fin_seen", conn):
            continue
        s.peer.server.do("act", conn=conn, do=misdeed, data="x")
        noticed = misdeed == "rst" or s.unwatched or s.peer.await_end(conn)
        s.claim(noticed, f"the {misdeed} of connection {conn} went unnoticed while it was idle")
        s.connect(sock)
        other = s.exchange(sock)
        s.claim(other != conn, f"connection {conn} was used again after its {misdeed}")
        s.claim(not s.peer.saw("late", conn), f"connection {conn} was written to after its {misdeed}")
        s.keep(sock)
    s.connect("b")
    conn = s.exchange("b")
    if conn:
        s.peer.server.do("act", conn=conn, do="fin")
        received = s.take(s.start("receive", sock="b", any=10), "receive")
        s.claim(not received["ok"], f"something was received behind the end: {received}")
        s.do("setkeepalive", sock="b", err="closed")


def timeouts(s: Session) -> None:
    """A peer that does not answer; data too large for one write."""
    s.configure(max_idle=2, send_timeout_ms=30, read_timeout_ms=30)
    s.connect("a", port=s.peer.stall)
    s.do("send", sock="a", data="GET / HTTP/1.1\r\nHost: test\r\n\r\n")
    s.do("receive", sock="a", line=True, err="timeout")
    s.keep("a")
    s.connect("b", port=s.peer.stall)
    sent = s.take(s.start("send", sock="b", data="x" * (3 << 20)), "send")
    s.expect(sent["ok"] or sent["err"] == "timeout", f"{sent}")


def names(s: Session) -> None:
    """Hosts that have to be looked up."""
    s.configure(resolver=s.peer.names.address)
    s.connect("a", host="here.test")
    s.exchange("a")
    s.keep("a")
    s.connect("a", host="here.test")
    s.keep("a")
    s.do("connect", sock="b", host="nowhere.test", port=s.peer.ok, err="nowhere.test could not be resolved (3: Host not found)")
    s.do("settimeouts", sock="c", connect_ms=30)
    s.do("connect", sock="c", host="silent.test", port=s.peer.ok, err="timeout")
    given_up = s.start("connect", sock="d", host="silent.test", port=s.peer.ok)
    s.take(s.start("cancel", target=given_up), "cancel")
    s.take(given_up, "the cancelled connect")


def requests(s: Session) -> None:
    """The request level."""
    s.configure()
    url = f"http://127.0.0.1:{s.peer.ok}"
    for body in (None, "some data", None):
        target = f"/t/{next(tokens):012x}"
        reply = s.do("request", url=url + target, body=body, method="POST" if body else "GET", headers={"X-Some": "thing"},
                     timeout_ms=s.patience_ms)
        s.claim(not reply["ok"] or target in reply["body"], f"the response to {target} was {reply}")
    s.do("request", url=f"http://127.0.0.1:{s.peer.stall}/", timeout_ms=30, err="receive: TIMEOUT")
    s.do("request", url="http://127.0.0.1:1/", timeout_ms=s.patience_ms, err="connect: ECONNREFUSED")


def stop(s: Session) -> None:
    """A batch, and a worker that shuts down."""
    s.configure()
    s.connect("a")
    conn = s.exchange("a")
    batch = [{"id": 1001, "op": "setkeepalive", "sock": "a"}, {"id": 1002, "op": "block", "ms": 1},
             {"id": 1003, "op": "connect", "sock": "b", "host": "127.0.0.1", "port": s.peer.ok}]
    if s.do("batch", commands=batch)["ok"]:
        for inner in (1001, 1002, 1003):
            s.take(inner, "a command of the batch")
    s.do("stop")
    s.take(s.start("setkeepalive", sock="b"), "setkeepalive")
    s.expect(not conn or s.peer.await_end(conn), f"connection {conn} is open after the stop")


def workers(s: Session) -> None:
    """Two worker processes, each with a pool of its own."""
    s.configure(workers=2)
    for number, sock in enumerate("ab"):
        s.connect(sock, worker=number)
        s.exchange(sock)
        s.keep(sock)


SESSIONS: dict[str, Callable[[Session], None]] = {
    each.__name__: each for each in (exchange, queue, peer, timeouts, names, requests, stop, workers)}
