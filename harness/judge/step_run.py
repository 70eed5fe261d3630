"""A run of steps: what the script says is done, in order, and written down. Nothing is judged here."""

from __future__ import annotations

import itertools
import re
import time
from typing import Any

from judge import exchange, kernel
from judge.errors import HarnessError, Skip
from judge.journal import Journal
from judge.network.network import Network
from judge.real_server import RealServer
from judge.scenario import Scenario
from judge.servers import Servers
from judge.steps import Step
from judge.subject import Subject
from judge.trace import Trace

REPLY_MS = 5_000  # a command that is not pending and takes longer: the subject hangs. Times --timeout-scale
AWAIT_MS = 1_000
BODY = re.compile(r"c(\d+) r(\d+) ")


class StepRun:
    def __init__(
        self, scenario: Scenario, subject: Subject, servers: Servers | RealServer, journal: Journal, addresses: dict[str, str], seed: int,
        scale: float, name_server: str | None = None, network: Network | None = None,
    ) -> None:
        self.scenario, self.subject, self.servers, self.journal = scenario, subject, servers, journal
        self.pool = scenario.pool | ({"resolver": name_server} if name_server else {})
        self.addresses, self.scale, self.network = addresses, scale, network
        self.tokens = (f"{(seed & 0xFFFFFFFF) << 32 | n:016x}" for n in itertools.count(1))
        self.pending: dict[str, tuple[int, str | None]] = {}  # label → command, and the token where it is an exchange

    def run(self) -> None:
        if self.pool:
            self._answer(self.subject.ask("configure", **self.pool), None)
        for step in self.scenario.steps:
            getattr(self, f"_{step.verb}")(step)
        self.servers.settle()
        self.journal.note("end")

    # The verbs.

    def _op(self, step: Step) -> None:
        if step.about == "batch":
            commands = [(one.about, one.label, self._fields(one)) for one in step.commands]
            numbers = self.subject.ask_batch(commands, step.label)
            labels = [*(one.label for one in step.commands), step.label]
        else:
            numbers = [self.subject.ask(step.about, step.label, **self._fields(step))]
            labels = [step.label]
        for number, label in zip(numbers, labels, strict=True):
            if step.pending:
                self.pending[label or ""] = number, None
            else:
                self._answer(number, step.within_ms, self._own_ms(step))

    def _exchange(self, step: Step) -> None:
        token = next(self.tokens)
        target = self._target(step.fields["path"], token)
        if self.scenario.level != "socket" and "socket" not in self.subject.meet()["level"]:
            number = self.subject.ask("request", f"{step.about}.request", url=self._url(step.to, target),
                                      method=step.fields["method"], token=token)
            if step.pending:
                self.pending[step.about] = number, token
                return
            self._exchange_ends(step.about, token, exchange.from_request(self._answer(number, step.within_ms)))
            return
        if step.pending:
            raise HarnessError(f"{step.where}: an exchange over sockets cannot be pending")
        address = self._address(step.to) | ({"host": step.fields["host"]} if step.fields["host"] else {}) if step.to else {}
        fields = dict(step.fields, options=filled(step.fields["options"], address))
        request = f"{step.fields['method']} {target} HTTP/1.1\r\nHost: poolspec\r\n\r\n"

        def ask(op: str, **fields: Any) -> dict[str, Any]:
            return self._answer(self.subject.ask(op, f"{step.about}.{op}", **fields), step.within_ms)

        self._exchange_ends(step.about, token, exchange.over_sockets(ask, fields, address, request, token))

    def _exchange_ends(self, label: str, token: str, found: dict[str, Any]) -> None:
        said = BODY.match(str(found.get("body") or ""))
        told = {"conn": int(said[1]), "req": int(said[2])} if said else {}
        self.journal.note("exchange", label=label, token=token, **found, **told)

    def _reply_of(self, step: Step) -> None:
        number, token = self._pending(step, step.about)
        reply = self._answer(number, step.within_ms)
        if token:
            self._exchange_ends(step.about, token, exchange.from_request(reply))

    def _act(self, step: Step) -> None:
        conn = self._conn(step.conn)
        data = {"data": step.fields["data"]} if step.fields["data"] is not None else {}
        self.journal.note("act", label=step.label, do=step.about, conn=conn)
        if conn is None:  # the step that it stands for got no connection: that step's failure tells it
            return
        try:
            self.servers.call("act", conn=conn, do=step.about, **data)
        except HarnessError:
            if not any(e["who"] == "server" and e["ev"] == "closed" and e.get("conn") == conn for e in self.journal.events):
                raise
            # The subject has closed what the script wanted open: its fault, and the run goes on.
            self.journal.note("act_missed", label=step.label, do=step.about, conn=conn)

    def _await(self, step: Step) -> None:
        conn = self._conn(step.conn)
        within_ms = (step.within_ms or AWAIT_MS) * self.scale

        def seen() -> bool | None:
            found = [e for e in self.journal.events if e["who"] in ("server", "wire") and e["ev"] in step.about]
            return True if sum(conn in (None, e.get("conn")) for e in found) >= step.count else None

        missed = (step.conn is not None and conn is None) or not self.journal.wait(seen, within_ms)
        if missed and self.servers.child.trouble:
            self.servers.call("books")  # says what has become of the server
        awaited = " or ".join(step.about) + (f" {step.count} times" if step.count > 1 else "")
        ev = "await_missed" if missed else "awaited"
        self.journal.note(ev, label=step.label, awaited=awaited, conn=conn, within_ms=within_ms)

    def _release(self, step: Step) -> None:
        self.journal.note("release", label=step.label, gate=step.about, count=step.count)
        self.servers.call("release", gate=step.about, count=step.count)

    def _unlisten(self, step: Step) -> None:
        self.journal.note("unlisten", name=step.about)
        self.servers.call("unlisten", name=step.about)

    def _order(self, step: Step) -> None:
        self.journal.note("order", label=step.label, name=step.to, order=step.about)
        self.servers.call("order", name=step.to, order=step.about)

    def _states(self, step: Step) -> None:
        conn = self._conn(step.conn)
        accepted = next((e for e in self.journal.events if e["ev"] == "accepted" and e.get("conn") == conn), None)
        if accepted is None:  # the step that it stands for got no connection: that step's failure tells it
            self.journal.note("states_missed", label=step.label, conn=conn)
            return
        within_s = (step.within_ms or AWAIT_MS) * self.scale / 1000
        found = kernel.states(self.addresses[accepted["listener"]], accepted["peer"], step.fields, within_s)
        self.journal.add({"t": time.monotonic_ns(), "who": "kernel", "ev": "states", "label": step.label, "conn": conn, **found})

    def _bind(self, step: Step) -> None:
        self.journal.note("bind", name=step.about, reuse=step.fields["reuse"])
        err = kernel.bind(self.addresses[step.about], step.fields["reuse"])
        self.journal.add({"t": time.monotonic_ns(), "who": "kernel", "ev": "bound", "label": step.label, "err": err})

    def _net(self, step: Step) -> None:
        self.journal.note("net", label=step.label, happens=step.about)
        self.network.happen(step.about)

    def _pass_ms(self, step: Step) -> None:
        self.journal.note("pass", label=step.label, ms=step.about)
        time.sleep(step.about / 1000)

    def _mark(self, step: Step) -> None:
        self.servers.settle()
        self.journal.note("mark", label=step.about)

    # What they share.

    def _answer(self, number: int, within_ms: float | None, more_ms: float = 0) -> dict[str, Any]:
        reply = self.subject.reply(number, ((within_ms or REPLY_MS) + more_ms) * self.scale)
        if not reply["ok"] and str(reply.get("err")).startswith("protocol: unknown op"):
            raise Skip(f"the subject answers: {reply['err']}")
        return reply

    def _pending(self, step: Step, label: str) -> tuple[int, str | None]:
        if label not in self.pending:
            raise HarnessError(f'{step.where}: "{label}" is not pending')
        return self.pending[label]

    def _own_ms(self, step: Step) -> float:
        """How long the step takes by what it says itself."""
        return sum(float(one.fields.get("ms", 0)) for one in (step, *step.commands) if one.about == "block")

    def _fields(self, step: Step) -> dict[str, Any]:
        """An op's fields, filled in."""
        fields = dict(step.fields)
        token = next(self.tokens)
        if step.about == "request":
            fields["url"] = self._url(step.to, self._target(fields.pop("path", "/"), token))
            fields["token"] = token
        elif step.to is not None:
            address = self._address(step.to)
            fields = address | {key: filled(value, address) for key, value in fields.items()}
        elif step.about == "cancel" and isinstance(fields.get("target"), str):
            fields["target"] = self._pending(step, fields["target"])[0]
        if step.about == "send":
            data = fields.get("data", "GET /t/{token} HTTP/1.1\r\nHost: poolspec\r\n\r\n")
            if "fill" in fields:
                data = "." * fields.pop("fill")
            if isinstance(data, str) and "{token}" in data:
                data = data.replace("{token}", token)
                fields["token"] = token
            fields["data"] = data
        return fields

    def _target(self, path: str, token: str) -> str:
        return path.replace("{token}", token) if "{token}" in path else f"{path.rstrip('/')}/t/{token}"

    def _address(self, name: str) -> dict[str, Any]:
        address = self.addresses[name]
        if address.startswith("unix:"):
            return {"unix": address.removeprefix("unix:")}
        host, _, port = address.rpartition(":")
        return {"host": host.strip("[]"), "port": int(port)}

    def _url(self, name: str, target: str) -> str:
        address = self.addresses[name]
        return f"http://{address}:{target}" if address.startswith("unix:") else f"http://{address}{target}"

    def _conn(self, which: int | str | None) -> int | None:
        if not isinstance(which, str):
            return which
        # The server's event may be on its way still.
        return self.journal.wait(lambda: Trace(self.journal.events).conn_of(which), AWAIT_MS * self.scale)


def filled(value: Any, address: dict[str, Any]) -> Any:
    """{host}, {port} and {path} in a text, or in the texts of a table, are the address's."""
    if isinstance(value, dict):
        return {key: filled(one, address) for key, one in value.items()}
    if isinstance(value, str):
        for name, key in (("host", "host"), ("port", "port"), ("path", "unix")):
            value = value.replace(f"{{{name}}}", str(address.get(key, "")))
    return value
