"""The server that a form is measured against, in a namespace: it listens, tells what processor time it has used, and is gone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

from judge.journal import Journal
from judge.modes.forms import Form, Load
from judge.network.namespace import SERVER_PORT, NetNamespace
from judge.project import Project
from judge.real_server import RealServer
from judge.servers import Servers


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


class NginxOrigin(RealServer):
    """A real nginx."""

    def __init__(self, project: Project, namespace: NetNamespace, form: Form, load: Load, folder: Path) -> None:
        self.folder, self.form, self.load = folder / "nginx", form, load
        real = {"kind": "nginx", **form.directives(load)}
        super().__init__(project, real, namespace, "127.0.0.1", Journal(), folder / "nginx.log", self.folder)

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            starter = self.child.process.pid  # whose only child it is; its pid file may be empty still
            self.pid = int(Path(f"/proc/{starter}/task/{starter}/children").read_text())
        except BaseException:
            self.__exit__()
            raise
        return self

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
