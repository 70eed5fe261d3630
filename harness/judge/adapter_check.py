"""`subject --check NAME`: does an adapter speak the subject protocol?

Each check is a function that talks to a fresh adapter and raises Unmet with a sentence where the protocol is not kept. What the pool
behind it does is not looked at: that is what scenarios are for.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from judge.child import Child
from judge.errors import SubjectError
from judge.journal import Journal
from judge.project import Project
from judge.servers import Servers
from judge.subject import PROTOCOL, Adapter

ANSWER_S = 15.0  # a bound against hanging, no measure of speed
END_S = 10.0
LARGE_BYTES = 4 << 20
MANY = 100
TIMEOUT_MS = 150


class Unmet(Exception):
    """One sentence: what the protocol asks for, and what came instead."""


@dataclass
class Talk:
    """One adapter, spoken to line by line."""

    child: Child
    lines: list[dict[str, Any]]
    journal: Journal
    servers: dict[str, str]
    scale: float
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def write(self, op: str, **fields: Any) -> int:
        number = next(self.ids)
        self.child.send({"id": number, "op": op, **fields}, ANSWER_S * self.scale)
        return number

    def write_raw(self, text: str) -> None:
        stdin = self.child.process.stdin
        assert stdin
        stdin.write(text.encode() + b"\n")
        stdin.flush()

    def reply(self, number: int | None) -> dict[str, Any]:
        """The reply with this id; every command gets exactly one."""
        limit_s = ANSWER_S * self.scale
        found = self.journal.wait(lambda: next((one for one in self.lines[1:] if one.get("id") == number), None), limit_s * 1000)
        if found is None:
            raise Unmet(f"command {number} is not answered within {limit_s:g} s: {self.child.trouble or self.child.obituary()}")
        if not isinstance(found.get("ok"), bool):
            raise Unmet(f"a reply has `ok`, true or false; this one is {found}")
        if found["ok"] is False and not (isinstance(found.get("err"), str) and found["err"]):
            raise Unmet(f"a reply that is not ok says why in `err`; this one is {found}")
        return found

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        return self.reply(self.write(op, **fields))

    def must(self, op: str, **fields: Any) -> dict[str, Any]:
        reply = self.ask(op, **fields)
        if not reply["ok"]:
            raise Unmet(f"{op} should have gone well here, and is answered {reply}")
        return reply

    def at(self, server: str) -> dict[str, Any]:
        host, _, port = self.servers[server].rpartition(":")
        return {"host": host, "port": int(port)}

    @property
    def hello(self) -> dict[str, Any]:
        return self.lines[0]

    @property
    def has_sockets(self) -> bool:
        return "socket" in self.hello["level"]

    def refused_as_protocol(self, reply: dict[str, Any], what: str) -> None:
        if reply["ok"] or not reply["err"].startswith("protocol:"):
            raise Unmet(f'{what} is answered "ok":false and an `err` that starts with "protocol:"; here: {reply}')

    def still_answers(self) -> None:
        """Whatever was wrong before, the adapter goes on."""
        self.refused_as_protocol(self.ask("no-such-op"), "an op that it does not have")


# --- the checks, in the order in which they are made ------------------------------------------------------------------------------


def says_who_it_is(talk: Talk) -> None:
    hello = talk.hello
    if hello.get("protocol") != PROTOCOL:
        raise Unmet(f'the first line has "protocol":"{PROTOCOL}"; here it is {hello}')
    levels = hello.get("level")
    if not isinstance(levels, list) or not levels or set(levels) - {"socket", "request", "proxy"}:
        raise Unmet(f"`level` is a list of socket, request, proxy; here it is {levels!r}")
    if not isinstance(hello.get("features"), list) or not all(isinstance(one, str) for one in hello["features"]):
        raise Unmet(f"`features` is a list of words; here it is {hello.get('features')!r}")
    if not isinstance(hello.get("name"), str) or not isinstance(hello.get("version"), str):
        raise Unmet("the first line has `name` and `version`")


def goes_on_after_an_unknown_op(talk: Talk) -> None:
    talk.still_answers()
    talk.still_answers()


def goes_on_after_lines_that_are_no_commands(talk: Talk) -> None:
    for line in ("this is not JSON", "[1, 2]", '{"op":"stats"}'):
        before = len(talk.lines)
        talk.write_raw(line)
        talk.journal.wait(lambda count=before: len(talk.lines) > count or None, ANSWER_S * 1000 * talk.scale)
        if len(talk.lines) == before:
            raise Unmet(f"the line {line!r} is answered, with \"id\":null; nothing came")
        answer = talk.lines[before]
        if "id" not in answer or answer["id"] is not None:
            raise Unmet(f'the answer to the line {line!r} has "id":null; here it is {answer}')
        talk.refused_as_protocol(answer, f"the line {line!r}")
    talk.still_answers()


def misses_a_field(talk: Talk) -> None:
    command = {"op": "connect"} if talk.has_sockets else {"op": "request"}
    talk.refused_as_protocol(talk.ask(**command), f"{command['op']} without its fields")
    talk.still_answers()


def is_configured_first_or_not_at_all(talk: Talk) -> None:
    talk.must("configure", idle_timeout_ms=60000)
    if talk.has_sockets:
        talk.ask("getreusedtimes", sock="never")
    else:
        talk.ask("request", url=f"http://{talk.servers['ok']}/t/0")
    talk.refused_as_protocol(talk.ask("configure", idle_timeout_ms=1000), "configure behind another op")


def reports_a_refused_connection(talk: Talk) -> None:
    with socket.socket() as taken:  # bound, not listening: nobody else gets the port meanwhile
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        if talk.has_sockets:
            reply = talk.ask("connect", sock="a", host="127.0.0.1", port=port)
        else:
            reply = talk.ask("request", url=f"http://127.0.0.1:{port}/t/0")
    if reply["ok"] or reply["err"].startswith("protocol:"):
        raise Unmet(f"a refused connection is the pool's error, in its words; here: {reply}")
    talk.still_answers()


def reports_a_timeout(talk: Talk) -> None:
    begun = time.monotonic()
    if talk.has_sockets:
        talk.must("connect", sock="a", **talk.at("stall"))
        talk.must("settimeouts", sock="a", read_ms=TIMEOUT_MS)
        talk.must("send", sock="a", data="GET /t/0 HTTP/1.1\r\nHost: a\r\n\r\n")
        reply = talk.ask("receive", sock="a", line=True)
        if "partial" not in reply:
            raise Unmet(f"a failed receive carries in `partial` what had arrived; here: {reply}")
    else:
        reply = talk.ask("request", url=f"http://{talk.servers['stall']}/t/0", timeout_ms=TIMEOUT_MS)
    took_ms = (time.monotonic() - begun) * 1000
    if reply["ok"]:
        raise Unmet(f"nothing was sent, so nothing can have been received; here: {reply}")
    if took_ms < TIMEOUT_MS:
        raise Unmet(f"the timeout is {TIMEOUT_MS} ms, and came after {took_ms:.0f} ms")


def carries_large_data(talk: Talk) -> None:
    if talk.has_sockets:
        talk.must("connect", sock="a", **talk.at("large"))
        body = "x" * LARGE_BYTES
        talk.must("send", sock="a", data=f"POST /t/0 HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE_BYTES}\r\n\r\n{body}")
        while talk.must("receive", sock="a", line=True)["data"]:
            pass
        got = talk.must("receive", sock="a", bytes=LARGE_BYTES)["data"]
    else:
        got = talk.must("request", url=f"http://{talk.servers['large']}/t/0", method="POST", body="x" * LARGE_BYTES)["body"]
    if len(got) != LARGE_BYTES:
        raise Unmet(f"{LARGE_BYTES} bytes were sent back, and {len(got)} arrived")


def carries_any_bytes(talk: Talk) -> None:
    if not talk.has_sockets:
        return
    raw = bytes(range(256))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talk.must("connect", sock="a", host="127.0.0.1", port=listener.getsockname()[1])
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(ANSWER_S * talk.scale)
            talk.must("send", sock="a", data={"base64": base64.b64encode(raw).decode()})
            got = b""
            while len(got) < len(raw):
                got += peer.recv(4096)
            if got != raw:
                raise Unmet("bytes that were sent as base64 arrived as others")
            peer.sendall(raw)
            data = talk.must("receive", sock="a", bytes=len(raw))["data"]
    if not isinstance(data, dict) or base64.b64decode(data.get("base64", "")) != raw:
        raise Unmet('bytes that are not UTF-8 come back as {"base64": ...}, and unchanged')


def holds_commands_back_on_one_socket(talk: Talk) -> None:
    if not talk.has_sockets:
        return
    numbers = [
        talk.write("connect", sock="a", **talk.at("ok")),
        talk.write("send", sock="a", data="GET /t/0 HTTP/1.1\r\nHost: a\r\n\r\n"),
        talk.write("receive", sock="a", line=True),
    ]
    replies = [talk.reply(number) for number in numbers]
    if not all(reply["ok"] for reply in replies):
        raise Unmet(f"commands that follow one another on a socket without waiting are held back, not refused; here: {replies}")
    if [one["id"] for one in talk.lines[1:] if one["id"] in numbers] != numbers:
        raise Unmet("the commands of one socket are answered in their order")


def runs_sockets_side_by_side(talk: Talk) -> None:
    if talk.has_sockets:
        talk.must("connect", sock="slow", **talk.at("stall"))
        waiting = talk.write("receive", sock="slow", line=True)
        talk.must("connect", sock="quick", **talk.at("ok"))
    else:
        waiting = talk.write("request", url=f"http://{talk.servers['stall']}/t/0", timeout_ms=60000)
        talk.must("request", url=f"http://{talk.servers['ok']}/t/0")
    if any(one.get("id") == waiting for one in talk.lines[1:]):
        raise Unmet("a command that has to wait does not hold up those of others; here it was answered before them")


def takes_many_at_once(talk: Talk) -> None:
    if talk.has_sockets:
        connects = [talk.write("connect", sock=f"s{n}", **talk.at("ok")) for n in range(MANY)]
        numbers = [talk.write("send", sock=f"s{n}", data=f"GET /t/{n:x} HTTP/1.1\r\nHost: a\r\n\r\n") for n in range(MANY)]
        numbers += connects + [talk.write("receive", sock=f"s{n}", line=True) for n in range(MANY)]
    else:
        numbers = [talk.write("request", url=f"http://{talk.servers['ok']}/t/{n:x}") for n in range(MANY)]
    for number in numbers:
        if not talk.reply(number)["ok"]:
            raise Unmet(f"{MANY} at once all go well; here: {talk.reply(number)}")
    answered = [one["id"] for one in talk.lines[1:]]
    if len(answered) != len(set(answered)):
        raise Unmet("each command gets exactly one reply, and one got two")


def runs_a_batch(talk: Talk) -> None:
    if "batch" not in talk.hello["features"]:
        return
    talk.must("connect", sock="a", **talk.at("ok"))
    inner = [next(talk.ids) for _ in range(3)]
    commands = [
        {"id": inner[0], "op": "receive", "sock": "a", "line": True},
        {"id": inner[1], "op": "setkeepalive", "sock": "a"},
        {"id": inner[2], "op": "block", "ms": 1},
    ]
    whole = talk.must("batch", commands=commands)["id"]
    if talk.reply(inner[1])["ok"]:
        raise Unmet("in a batch nothing is held back: setkeepalive beside a receive that waits is the pool's to refuse, and went well")
    talk.reply(inner[2])
    order = [one["id"] for one in talk.lines[1:] if one["id"] in (*inner, whole)]
    if order != [inner[1], inner[2], whole]:
        raise Unmet(f"a batch is answered when its last command has been started, those that completed before it; the order here: {order}")


def ends_at_quit(talk: Talk) -> None:
    if talk.has_sockets:
        talk.must("connect", sock="a", **talk.at("ok"))
    talk.child.leaving = True
    talk.write("quit")
    ends(talk, "quit")


def ends_with_its_input(talk: Talk) -> None:
    if talk.has_sockets:
        talk.must("connect", sock="a", **talk.at("stall"))
        talk.write("receive", sock="a", line=True)
    talk.child.leaving = True
    ends(talk, "the end of its input")


def ends(talk: Talk, at: str) -> None:
    status = talk.child.finish(END_S * talk.scale)
    if status != 0:
        how = f"did not end within {END_S * talk.scale:g} s" if status is None else f"ended with {status}"
        raise Unmet(f"at {at} it closes everything and exits 0; here it {how}: {talk.child.obituary()}")


CHECKS: tuple[Callable[[Talk], None], ...] = (
    says_who_it_is, goes_on_after_an_unknown_op, goes_on_after_lines_that_are_no_commands, misses_a_field,
    is_configured_first_or_not_at_all, reports_a_refused_connection, reports_a_timeout, carries_large_data, carries_any_bytes,
    holds_commands_back_on_one_socket, runs_sockets_side_by_side, takes_many_at_once, runs_a_batch, ends_at_quit, ends_with_its_input,
)


# --- running them --------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def talking(adapter: Adapter, servers: dict[str, str], log: Path, scale: float) -> Iterator[Talk]:
    """A fresh adapter, its first line read."""
    journal, lines = Journal(), []

    def on_line(line: dict[str, Any], _: int) -> None:
        lines.append(line)
        journal.wake()

    try:
        child = Child(adapter.argv, log, on_line, journal.wake)
    except OSError as error:
        raise SubjectError(f"subject {adapter.name} cannot be started: {error.strerror}: {adapter.argv[0]}") from None
    try:
        journal.wait(lambda: lines or child.trouble, ANSWER_S * 1000 * scale)
        if not lines:
            raise Unmet(f"its first line says who it is; none came: {child.trouble or child.obituary()}")
        yield Talk(child, lines, journal, servers, scale)
    finally:
        child.kill()
        child.finish(5)


def check(adapter: Adapter, project: Project, scale: float = 1.0) -> Iterator[tuple[str, str | None]]:
    """(what is checked, None or why it is not met), one after the other."""
    with tempfile.TemporaryDirectory(prefix="poolspec-check-") as scratch:
        folder = Path(scratch)
        with Servers(project, Journal(), folder / "server.log", scale) as servers:
            addresses = {
                name: servers.listen(name, "127.0.0.1:0", on="connection", behaviours=[behaviour], trace="none")
                for name, behaviour in (
                    ("ok", {"name": "ok"}), ("stall", {"name": "stall"}), ("large", {"name": "ok", "body_bytes": LARGE_BYTES}),
                )
            }
            for one in CHECKS:
                try:
                    with talking(adapter, addresses, folder / "adapter.log", scale) as talk:
                        one(talk)
                    why = None
                except Unmet as unmet:
                    why = str(unmet)
                yield one.__name__.replace("_", " "), why


def report(adapter: Adapter, project: Project, scale: float = 1.0) -> int:
    """Prints a line for each check. Returns 0, or 1 where one is not met."""
    unmet = 0
    for what, why in check(adapter, project, scale):
        unmet += why is not None
        print(f"{'ok  ' if why is None else 'FAIL'}  {what}" + (f"\n      {why}" if why else ""), flush=True)
    print(f"{adapter.name}: " + ("speaks the subject protocol" if not unmet else f"{unmet} of {len(CHECKS)} checks not met"))
    return 1 if unmet else 0
