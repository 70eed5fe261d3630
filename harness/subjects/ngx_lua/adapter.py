"""The subject `ngx_lua`: the cosockets of Debian's nginx and lua-nginx-module, behind the subject protocol.

This process speaks the protocol on standard input and output. It starts nginx, gives each command to the worker process that has its
socket, holds back what has to wait for its turn, and passes the replies on. The pool is only ever touched by the Lua code beside it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import sys
import threading
import time
from collections import Counter, defaultdict, deque
from typing import Any, NoReturn

from commands import ADAPTER_OPS, SOCKET_OPS, Command, Refused, Reply, answer, check, for_worker, from_worker, id_of, parse, refusal
from nginx_process import NginxError, NginxLua, Settings, versions

FEATURES = (
    "pool_name", "pool_size", "backlog", "unix", "reused_times", "idle_timeout", "max_idle", "batch", "workers", "cancel", "phases", "stop",
    "resolver", "arguments",
)
PHASES = ("content", "rewrite", "access", "timer")
DIRECTIVES = {  # field of configure → directive, and the unit behind the number
    "max_idle": ("lua_socket_pool_size", ""),
    "idle_timeout_ms": ("lua_socket_keepalive_timeout", "ms"),
    "connect_timeout_ms": ("lua_socket_connect_timeout", "ms"),
    "send_timeout_ms": ("lua_socket_send_timeout", "ms"),
    "read_timeout_ms": ("lua_socket_read_timeout", "ms"),
}
RESOLVER = re.compile(r"[0-9a-fA-F.:\[\]]+")  # an address, and not another directive
WORKERS_MAX = 64
DRAIN_S = 1.5
LAST_COMMAND = "last"  # the id of a mark behind all that a worker was sent


def read_settings(command: Command) -> Settings:
    """What `configure` asks for, as nginx's configuration has it: whole numbers."""

    def whole(name: str) -> int | None:
        value = command.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value != int(value)):
            raise Refused(f"`{name}` must be a whole number: nginx's configuration carries no other")
        return None if value is None else int(value)

    workers = 1 if command.get("workers") is None else whole("workers")
    phase = command.get("phase") or "content"
    if workers is None or not 1 <= workers <= WORKERS_MAX:
        raise Refused(f"`workers` must be from 1 to {WORKERS_MAX}")
    if phase not in PHASES:
        raise Refused(f"`phase` must be one of {', '.join(PHASES)}")
    given = [(directive, whole(name), unit) for name, (directive, unit) in DIRECTIVES.items()]
    directives = [f"{directive} {value}{unit}" for directive, value, unit in given if value is not None]
    if command.get("resolver") is not None:
        resolver = command["resolver"]
        if not isinstance(resolver, str) or not RESOLVER.fullmatch(resolver):
            raise Refused("`resolver` must be an address and a port")
        directives.append(f"resolver {resolver} ipv6=off")
    return Settings(workers, phase, tuple(directives))


class Adapter:
    """Everything happens in the thread that calls `run`; the others only put into `events`."""

    def __init__(self) -> None:
        self.events: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.nginx: NginxLua | None = None
        self.worker_count = 0
        self.homes: dict[str, int] = {}  # label of a socket → its worker
        self.pending: dict[int, tuple[int, str | None]] = {}  # id → worker, and the label of the socket where it is about one
        self.busy: Counter[str] = Counter()  # by label: how many commands are pending
        self.held: defaultdict[str, deque[Command]] = defaultdict(deque)  # by label: those that wait for their turn
        self.exit_stack = contextlib.ExitStack()

    def run(self) -> int:
        """Until `quit` or the end of input. The exit status."""
        self.say({"protocol": "subject/1", "name": "ngx_lua", "version": versions(), "level": ["socket"], "features": FEATURES})
        threading.Thread(target=self._read_input, daemon=True).start()
        with self.exit_stack:
            while True:
                kind, *about = self.events.get()
                if kind == "reply":
                    self.on_reply(from_worker(about[1]))
                elif kind == "gone":
                    return self.on_worker_gone(about[0])
                elif kind == "end":
                    return self.finish(None)
                elif (command := self.on_line(about[0])) is not None:
                    return self.finish(command)

    def say(self, reply: dict[str, Any]) -> None:
        data = (json.dumps(reply, ensure_ascii=False) + "\n").encode()
        while data:
            data = data[os.write(sys.stdout.fileno(), data):]

    def _read_input(self) -> None:
        # Not by sys.stdin, whose lock this thread would still hold when the interpreter ends.
        with open(os.dup(0), "rb", buffering=0) as pipe:
            unfinished: list[bytes] = []
            while piece := pipe.read(1 << 16):
                *lines, rest = piece.split(b"\n")
                for line in lines:
                    self.events.put(("line", b"".join([*unfinished, line])))
                    unfinished.clear()
                unfinished.append(rest)
        self.events.put(("end",))

    # Commands.

    def on_line(self, line: bytes) -> Command | None:
        """Returns the command where it is the last one."""
        command = None
        try:
            command = parse(line)
            check(command)
            if command["op"] == "quit":
                return command
            self.take(command)
        except Refused as why:
            self.say(refusal(id_of(command), why))
        return None

    def take(self, command: Command) -> None:
        op = command["op"]
        if op == "configure":
            self.configure(command)
            return
        if self.nginx is None:
            self.start(Settings())
        worker = self.worker_of(command)
        if op in SOCKET_OPS and self.busy[command["sock"]]:
            self.held[command["sock"]].append(command)
        elif op == "batch":
            self.send(worker, {**command, "commands": [self.in_batch(worker, inner) for inner in command["commands"]]})
        elif op == "cancel" and self.drop_held(command["target"]):
            self.say({"id": command["id"], "ok": True})
        else:
            self.send(worker, command)

    def configure(self, command: Command) -> None:
        if self.nginx is not None:
            raise Refused("configure comes before any other op")
        settings = read_settings(command)
        try:
            nginx = self.start(settings)
        except NginxError as error:
            self.say({"id": command["id"], "ok": False, "err": str(error)})
        else:
            phases = ", ".join({worker.phase for worker in nginx.workers.values()})
            self.say({"id": command["id"], "ok": True, "phase": phases})

    def start(self, settings: Settings) -> NginxLua:
        nginx = NginxLua(
            settings, lambda worker, line: self.events.put(("reply", worker, line)), lambda worker: self.events.put(("gone", worker))
        )
        self.nginx = self.exit_stack.enter_context(nginx)
        self.worker_count = settings.workers
        return nginx

    def worker_of(self, command: Command) -> int:
        """A batch goes where the socket of its first command that has one is, a cancel where its target is."""
        if command["op"] == "cancel" and command["target"] in self.pending:
            return self.pending[command["target"]][0]
        inner = command["commands"] if command["op"] == "batch" else []
        decides = next((one for one in inner if isinstance(one, dict) and isinstance(one.get("sock"), str)), command)
        label = decides.get("sock")
        home = self.homes.get(label, 0) if label else 0
        worker = home if decides.get("worker") is None else decides["worker"]
        if isinstance(worker, bool) or not isinstance(worker, int) or not 0 <= worker < self.worker_count:
            raise Refused("there is no such `worker`")
        if label:
            self.move_in(label, worker)
        return worker

    def move_in(self, label: str, worker: int) -> None:
        if self.homes.setdefault(label, worker) != worker:
            raise Refused("that `sock` lives in another worker")

    def in_batch(self, worker: int, command: Command) -> Command:
        """A command of a batch. One that is answered here is answered in its turn all the same."""
        try:
            if not isinstance(command, dict):
                raise Refused("a command is an object")
            check(command)
            if command["op"] in ADAPTER_OPS or command["op"] == "batch":
                raise Refused(f"`{command['op']}` cannot stand in a batch")
            if command["op"] == "cancel" and self.drop_held(command["target"]):
                return answer({"id": command["id"], "ok": True})
            if "sock" in command:
                self.move_in(command["sock"], worker)
        except Refused as why:
            return answer(refusal(id_of(command), why))
        self.note_pending(worker, command)
        return for_worker(command)

    def drop_held(self, target: int) -> bool:
        """Cancels a command that no worker has seen yet."""
        for waiting in self.held.values():
            for command in waiting:
                if command["id"] == target:
                    waiting.remove(command)
                    self.say({"id": target, "ok": False, "err": "cancelled"})
                    return True
        return False

    def send(self, worker: int, command: Command) -> None:
        self.note_pending(worker, command)
        self.write(worker, for_worker(command))

    def note_pending(self, worker: int, command: Command) -> None:
        label = command["sock"] if command["op"] in SOCKET_OPS else None
        self.pending[command["id"]] = worker, label
        if label is not None:
            self.busy[label] += 1

    def write(self, worker: int, command: Command) -> None:
        assert self.nginx is not None
        self.nginx.send(worker, (json.dumps(command, ensure_ascii=False) + "\n").encode())

    # Replies.

    def on_reply(self, reply: Reply) -> None:
        self.say(reply)
        worker, label = self.pending.pop(reply["id"], (0, None))
        if label is None:
            return
        self.busy[label] -= 1
        if not self.busy[label] and self.held[label]:
            self.send(worker, self.held[label].popleft())

    def on_worker_gone(self, worker: int) -> int:
        print(f"ngx_lua: worker process {worker} has ended by itself", file=sys.stderr, flush=True)
        return 1  # how it ended nginx's master process says in the log, before it ends itself

    # The end.

    def finish(self, command: Command | None) -> int:
        """What a worker can answer without waiting it still answers: a mark is sent behind it."""
        marks = set(range(self.worker_count))
        for worker in marks:
            self.write(worker, answer({"id": LAST_COMMAND, "ok": True}))
        deadline = time.monotonic() + DRAIN_S
        with contextlib.suppress(queue.Empty):
            while marks:
                kind, *about = self.events.get(timeout=max(0.0, deadline - time.monotonic()))
                if kind == "gone":
                    return self.on_worker_gone(about[0])
                if kind == "reply":
                    reply = from_worker(about[1])
                    if reply["id"] == LAST_COMMAND:
                        marks.discard(about[0])
                    else:
                        self.on_reply(reply)
        if command is not None:
            self.say({"id": command["id"], "ok": True})
        return 0


def end_by_signal(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


def main() -> int:
    if len(sys.argv) > 1:
        print(f"usage: {sys.argv[0]}\n{__doc__}")
        return 0 if sys.argv[1] == "--help" else 2
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end_by_signal)
    try:
        return Adapter().run()
    except NginxError as error:
        print(f"ngx_lua: {error}", file=sys.stderr, flush=True)
        return 1
    except BrokenPipeError:  # nobody reads the replies
        return 1


if __name__ == "__main__":
    sys.exit(main())
