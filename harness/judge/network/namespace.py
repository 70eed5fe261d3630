"""A network namespace of our own: nothing but a loopback interface, its own ports, and no TIME_WAIT of anybody else's.

It has no name: it lives as long as the agent that holds it and what was started in it, whatever becomes of us."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from judge.child import Child
from judge.errors import HarnessError
from judge.journal import Journal
from judge.project import PYTHON

ANSWER_MS = 10_000
FIRST_PORT = 20_000  # of a range that was made small
SERVER_PORT = 8080  # of a server in a namespace: none of that range


class NotAllowed(HarnessError):
    """This machine lets us have no namespace, or not change it: a sentence that says why."""


LIKE_A_NETWORK = {"net/ipv4/tcp_tw_reuse": "0"}  # Linux lets loopback, and only loopback, take ports out of TIME_WAIT after a second


def few_ports(count: int) -> dict[str, str]:
    """So many local ports for outgoing connections, as if to a server elsewhere. An even number: Linux looks for even and for odd
    ones apart, and may miss the last of an odd number."""
    return LIKE_A_NETWORK | {"net/ipv4/ip_local_port_range": f"{FIRST_PORT} {FIRST_PORT + count - 1}"}


class NetNamespace:
    """Use as a context. isolated=False makes none: the agent looks at the machine's own, and `within` adds nothing.

    settings: below /proc/sys, in the namespace only.  beside: another one that it is to share a network with. Raises NotAllowed."""

    def __init__(
        self, log: Path, settings: Mapping[str, str] | None = None, isolated: bool = True, scale: float = 1,
        beside: NetNamespace | None = None,
    ) -> None:
        self.isolated, self.scale, self.beside = isolated, scale, beside
        self.journal = Journal()
        self.ids = itertools.count(1)
        self.answers: dict[int, dict[str, Any]] = {}
        self.hello: dict[str, Any] = {}
        agent = [PYTHON, "-m", "judge.network.namespace_agent", *(["--isolated"] if isolated else [])]
        agent += [word for name, value in (settings or {}).items() for word in ("--setting", f"{name}={value}")]
        try:
            self.child = Child([*(self._unshare() if isolated else []), *agent], log, self._line, self.journal.wake)
        except FileNotFoundError as err:
            raise NotAllowed(f"{err.filename} is missing (Debian's util-linux has it)") from None

    def __enter__(self) -> NetNamespace:
        try:
            self.journal.wait(lambda: self.hello or self.child.trouble, ANSWER_MS * self.scale)
        except BaseException:
            self.__exit__()
            raise
        if "ready" not in self.hello:
            self.__exit__()  # behind which its last words are read
            last = self.child.tail[-1] if self.child.tail else self.child.trouble
            raise NotAllowed(f"no network namespace of our own: {self.hello.get('trouble') or last or 'its agent does not answer'}")
        return self

    def __exit__(self, *exc: object) -> None:
        self.child.kill()
        self.child.finish(5)

    def within(self, argv: Sequence[str | Path]) -> list[str]:
        """The command that runs argv in here; it becomes argv, so its process id is argv's."""
        words = [str(word) for word in argv]
        return [*_nsenter(self.child.process.pid), *words] if self.isolated else words

    def _unshare(self) -> list[str]:
        """As root a network namespace is enough; anybody else needs a user namespace around it, the same for all of a network."""
        if os.geteuid() == 0:
            return ["unshare", "-n", "--"]
        return [*self.beside.within(["unshare", "-n", "--"])] if self.beside else ["unshare", "-Urn", "--"]

    def _line(self, line: dict[str, Any], t: int) -> None:
        if "ev" in line:
            self.journal.add({"who": "kernel", **line})
            return
        if "id" in line:
            self.answers[line["id"]] = line
        else:
            self.hello = line
        self.journal.wake()

    def call(self, op: str, **fields: Any) -> dict[str, Any]:
        """One order to the agent, and its answer."""
        number = next(self.ids)
        self.child.send({"id": number, "op": op, **fields}, ANSWER_MS / 1000)
        self.journal.wait(lambda: self.answers.get(number) or self.child.trouble, ANSWER_MS * self.scale)
        if number not in self.answers:
            raise HarnessError(f"the namespace's agent {self.child.trouble or 'does not answer'} at {op}: {self.child.obituary()}")
        return self.answers.pop(number)


def _nsenter(pid: int) -> list[str]:
    users = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
    return ["nsenter", "-t", str(pid), *users, "-n", "--"]
