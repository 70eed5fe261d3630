"""The server that a form is measured against, in a namespace: it listens, tells what processor time it has used, and is gone."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from judge.child import Child
from judge.errors import HarnessError
from judge.journal import Journal
from judge.modes.forms import Form, Load
from judge.network.namespace import SERVER_PORT, NetNamespace
from judge.project import PYTHON, Project
from judge.servers import Servers

START_MS = 15_000


class MockOrigin:
    """The project's mock server."""

    def __init__(self, project: Project, namespace: NetNamespace, form: Form, load: Load, folder: Path) -> None:
        self.namespace, self.form, self.load = namespace, form, load
        self.servers = Servers(project, Journal(), folder / "server.log", namespace=namespace)

    def __enter__(self) -> MockOrigin:
        self.servers.__enter__()
        try:
            address = f"127.0.0.1:{SERVER_PORT if self.namespace.isolated else 0}"
            self.address = self.servers.listen(
                "origin", address, behaviours=[self.form.behaviour(self.load)], trace="pages" if self.form.pooled else "none",
            )
        except BaseException:
            self.__exit__()
            raise
        self.pid = self.servers.child.process.pid
        return self

    def __exit__(self, *exc: object) -> None:
        self.servers.__exit__(*exc)

    def ended(self, _: dict[str, Any]) -> dict[str, int]:
        """Ends the server: its books say of each connection how often it was asked, and who ended it."""
        self.servers.close_books()
        pages = [event for event in self.servers.journal.events if event["ev"] == "conn_books"]
        own = [page["requests"] for page in pages if page["end"] == "fin_sent"]
        limit = sum(requests >= self.load.limit for requests in own)  # "fin_sent": the server was first
        return {"limit": limit, "timeout": len(own) - limit, "client": len(pages) - len(own)}


class NginxOrigin:
    """A real nginx, by the program that starts one (servers/real/nginx.py): it has to be started inside of the namespace."""

    def __init__(self, project: Project, namespace: NetNamespace, form: Form, load: Load, folder: Path) -> None:
        self.folder, self.form, self.load = folder / "nginx", form, load
        self.hello: dict[str, Any] = {}
        self.journal = Journal()
        options = [f"--{name.replace('_', '-')}={value}" for name, value in form.directives(load).items()]
        argv = [PYTHON, project.root / "servers" / "real" / "nginx.py", "--dir", self.folder, *options]
        self.child = Child(namespace.within(argv), folder / "nginx.log", self._line, self.journal.wake)

    def _line(self, line: dict[str, Any], t: int) -> None:
        self.hello = line
        self.journal.wake()

    def __enter__(self) -> NginxOrigin:
        try:
            self.journal.wait(lambda: self.hello or self.child.trouble, START_MS)
            if not self.hello.get("ok"):
                raise HarnessError(self.hello.get("err") or f"nginx does not start: {self.child.obituary()}")
            self.address = self.hello["address"]
            starter = self.child.process.pid  # whose only child it is; its pid file may be empty still
            self.pid = int(Path(f"/proc/{starter}/task/{starter}/children").read_text())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.child.leaving = True
        with suppress(OSError):
            self.child.process.stdin.close()  # its program ends nginx then, and itself
        self.child.finish(10)

    def ended(self, run: dict[str, Any]) -> dict[str, int]:
        """Its access log says of each connection how often it was asked. What the client has closed, only the client can say."""
        asked: dict[str, int] = {}
        for line in (self.folder / "access.log").read_text().splitlines():
            connection, number, *_ = line.split()
            asked[connection] = max(int(number), asked.get(connection, 0))
        limit = sum(number >= self.load.limit for number in asked.values()) if self.form.limited else 0
        client = run["closed"]["stopping"]
        return {"limit": limit, "timeout": len(asked) - limit - client, "client": client}


ORIGINS = {"mock": MockOrigin, "nginx": NginxOrigin}


def cpu_ns(pid: int) -> int:
    """What a process has used of the processors."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def give_last_core(pid: int) -> None:
    """The server has the last core for itself where the machine has two."""
    os.sched_setaffinity(pid, {max(os.sched_getaffinity(0))})
