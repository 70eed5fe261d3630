"""Scenario files: scenarios/<family>/<slug>.toml, read strictly. Their keys:

    summary, expect             what is done, and what a right pool does, a sentence each
    needs, tags, depends_on     FEATURES of the subject; TAGS; scenarios that are its positive controls
    server = [{...}]            name ("origin"), listen ("tcp", "tcp6", "unix"; "deaf": one that accepts nobody), behaviours (a list of
                                tables with a name, options and repeat), on ("connection", "request"), cycle; without any, one
                                correct server
    dns = {"a.test" = ...}      a name server that knows these: a list of addresses, {addresses, after_ms}, "not found",
                                "server failure" or "no answer". The subject is configured to ask it (feature `resolver`)
    network = {kind = ...}      network namespaces of their own for subject and servers, which then listen on tcp: network/spec.py
    real = {...}                in place of server: kind, one of servers/real/, and its own keys. With steps it needs a network: only
                                the wire shows what it does
    pool = {...}                POOL_KNOBS, for the subject's `configure`
    step = [{...}]              what is done, in order: steps.py
    load = {...}                in place of steps: users, requests or duration_s, workers, rate, think_ms, pool_size,
                                idle_timeout_ms, timeout_ms, no_pool; close_first (no pool, and the client closes first); ports = n:
                                in a network namespace of its own, in which there are so many local ports
    sweep = {...}               in place of steps: gaps_ms, pairs, rate, idle_timeout_ms, watch: sweep/run.py
    check = [{...}]             clause, checker, and the checker's parameters: `check` in checkers/<checker>.py"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judge import checkers
from judge.deaf import DEAF
from judge.errors import UsageError
from judge.name_server import CODES, NO_ANSWER, Record, is_ipv4
from judge.names import nearest
from judge.network.network import EVENTS, WIRE_EVENTS
from judge.network.spec import NetworkSpec, read_network
from judge.project import Project
from judge.steps import ADDRESSED, MOCK_VERBS, REQUEST_OPS, SERVER_EVENTS, Step, read_steps
from judge.table import Table, shown

TAGS = {
    "slow": "cannot be short; runs under --full",
    "healthy": "a load run in which the server does nothing wrong; --fail-on looks at these",
    "storm": "a load run against a server that misbehaves a lot",
    "control": "the positive control of others",
    "real": "against a real server",
}
FEATURES = (
    "pool_name", "pool_size", "backlog", "unix", "reused_times", "idle_timeout", "max_idle", "batch", "stats", "read_body",
    "workers", "cancel", "tcp_keepalive", "phases", "stop", "resolver", "arguments", "jdk", "stale_check",
)
POOL_KNOBS = ("max_idle", "idle_timeout_ms", "connect_timeout_ms", "read_timeout_ms", "send_timeout_ms", "workers", "phase", "stale_check")


@dataclass(frozen=True)
class Server:
    name: str
    listen: str  # tcp, tcp6, unix, deaf
    on: str  # connection, request
    cycle: bool
    behaviours: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Check:
    clause: str
    checker: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    name: str
    path: Path
    summary: str
    expect: str
    needs: tuple[str, ...]
    tags: tuple[str, ...]
    depends_on: tuple[str, ...]
    servers: tuple[Server, ...]
    names: dict[str, Record]
    network: NetworkSpec | None
    pool: dict[str, Any]
    steps: tuple[Step, ...]
    load: dict[str, Any] | None
    sweep: dict[str, Any] | None
    real: dict[str, Any] | None
    checks: tuple[Check, ...]

    @property
    def kind(self) -> str:
        return "steps" if self.steps else "load" if self.load is not None else "sweep"

    @property
    def level(self) -> str | None:
        """What the steps ask of a subject: its sockets, whole requests, or (only exchanges) whichever it has."""
        ops = {one.about for step in self.steps for one in (step, *step.commands) if one.verb == "op"}
        if "request" in ops:
            return "request"
        held = any(step.verb == "exchange" and step.needs_socket for step in self.steps)
        return "socket" if held or ops - REQUEST_OPS else None


def read_scenario(path: Path, project: Project) -> Scenario:
    """One file. What it says about others (depends_on) is looked at by `load_scenarios`."""
    table = Table.load(path)
    name = f"{path.resolve().parent.name}/{path.stem}"
    if not re.fullmatch(r"[a-z0-9-]+/[a-z0-9-]+", name):
        raise UsageError(f'{shown(path)}: "{name}" is not family/slug in lower-case words with hyphens')
    real = read_real(table, project)
    servers = read_servers(table, project, real is not None)
    scenario = Scenario(
        name=name,
        path=path,
        summary=table.text("summary"),
        expect=table.text("expect"),
        needs=table.names("needs", FEATURES),
        tags=table.names("tags", TAGS),
        depends_on=table.names("depends_on"),
        servers=servers,
        names=read_names(table),
        network=read_network(table),
        pool=read_pool(table),
        steps=read_steps(table, {server.name for server in servers}),
        load=read_load(table),
        sweep=read_sweep(table),
        real=real,
        checks=read_checks(table, project),
    )
    table.end()
    check_whole(scenario, table)
    return scenario


def read_servers(table: Table, project: Project, real: bool) -> tuple[Server, ...]:
    servers: list[Server] = []
    for one in table.tables("server"):
        server = Server(
            name=one.text("name", "origin"),
            listen=one.choice("listen", ("tcp", "tcp6", "unix", DEAF), "tcp"),
            on=one.choice("on", ("connection", "request"), "connection"),
            cycle=one.flag("cycle", False),
            behaviours=tuple(read_behaviour(entry, project) for entry in one.tables("behaviours")) or ({"name": "ok"},),
        )
        one.end()
        if server.listen == DEAF and one.data.keys() & {"behaviours", "on", "cycle"}:
            raise one.error("a deaf server accepts nobody: it has no behaviours")
        if any(server.name == other.name for other in servers):
            raise one.error(f'a second server "{server.name}"')
        servers.append(server)
    if servers and real:
        raise table.error("[real] and [[server]] exclude each other")
    return tuple(servers) or (Server("origin", "tcp", "connection", False, ({"name": "ok"},)),)


def read_behaviour(entry: Table, project: Project) -> dict[str, Any]:
    name = entry.choice("name", project.behaviours)
    entry.whole("repeat", 1, least=1)
    for option in project.behaviours[name]["options"]:
        read_option(entry, option)
    entry.end()
    return entry.data


def read_option(entry: Table, option: dict[str, Any]) -> None:
    """A behaviour's option, of a kind that the server names."""
    kind, key = option["type"], option["name"]
    if kind in ("ms", "count", "limit"):
        entry.number(key, None)
    elif kind == "bool":
        entry.flag(key, None)
    elif kind == "choice":
        entry.choice(key, option["choices"].split("|"), None)
    else:
        entry.text(key, None)


def read_names(table: Table) -> dict[str, Record]:
    names = table.table("dns")
    return {name: read_record(names, name) for name in names.data} if names else {}


def read_record(names: Table, name: str) -> Record:
    value = names.take(name, (str, list, dict))
    if isinstance(value, str):
        names.check_name(name, value, (*CODES, NO_ANSWER))
        return Record(word=value)
    record = names.child(name, value if isinstance(value, dict) else {"addresses": value})
    found = Record(addresses=record.names("addresses"), after_ms=record.number("after_ms", 0))
    record.end()
    for address in found.addresses:
        if not is_ipv4(address):
            raise record.error(f'"{address}" is no IPv4 address')
    return found


def read_pool(table: Table) -> dict[str, Any]:
    pool = table.table("pool")
    if pool is None:
        return {}
    pool.known |= set(POOL_KNOBS)
    pool.end()
    return pool.data


def read_load(table: Table) -> dict[str, Any] | None:
    load = table.table("load")
    if load is None:
        return None
    found = {
        "users": load.whole("users", least=1),
        "workers": load.whole("workers", None, least=1),
        "rate": load.number("rate", None, least=1),
        "requests": load.whole("requests", None, least=1),
        "duration_s": load.number("duration_s", None),
        "think_ms": load.number("think_ms", None),
        "pool_size": load.whole("pool_size", None, least=1),
        "idle_timeout_ms": load.number("idle_timeout_ms", None),
        "timeout_ms": load.number("timeout_ms", None),
        "no_pool": load.flag("no_pool", None),
        "close_first": load.flag("close_first", None),
        "ports": load.whole("ports", None, least=2),
    }
    load.end()
    if found["ports"] is not None and found["ports"] % 2:
        raise load.error(f'"ports" must be even, not {found["ports"]}: Linux looks for even and for odd ones apart')
    if (found["requests"] is None) == (found["duration_s"] is None):
        raise load.error('exactly one of "requests" and "duration_s" says when it ends')
    return {key: value for key, value in found.items() if value is not None}


def read_sweep(table: Table) -> dict[str, Any] | None:
    sweep = table.table("sweep")
    if sweep is None:
        return None
    found = {
        "gaps_ms": sweep.take("gaps_ms", list),
        "pairs": sweep.whole("pairs", least=1),
        "rate": sweep.number("rate", 150, least=1),
        "idle_timeout_ms": sweep.number("idle_timeout_ms", 0),
        "watch": sweep.flag("watch", True),
    }
    sweep.end()
    if not found["gaps_ms"] or not all(type(gap) in (int, float) and gap > 0 for gap in found["gaps_ms"]):
        raise sweep.error('"gaps_ms" must be a list of milliseconds, each more than 0')
    return found


def read_real(table: Table, project: Project) -> dict[str, Any] | None:
    real = table.table("real")
    if real is None:
        return None
    kinds = [path.stem for path in (project.root / "servers" / "real").glob("[!_]*.py")]
    return {**real.data, "kind": real.choice("kind", kinds)}


def read_checks(table: Table, project: Project) -> tuple[Check, ...]:
    found: list[Check] = []
    for one in table.tables("check"):
        clause, checker = one.choice("clause", project.clauses), one.choice("checker", checkers.names())
        if clause in checkers.universal() or checker in checkers.universal().values():
            raise one.error(f'"{clause}" with "{checker}": what is checked on every trace is not asked for')
        if any(clause == other.clause for other in found):
            raise one.error(f'a second check of "{clause}"')
        params = {key: value for key, value in one.data.items() if key not in ("clause", "checker")}
        problem = checkers.problem(checker, params)
        if problem:
            raise one.error(problem)
        found.append(Check(clause, checker, params))
    return tuple(found)


def check_whole(scenario: Scenario, table: Table) -> None:
    """What no single table can know."""
    if [bool(scenario.steps), scenario.load is not None, scenario.sweep is not None].count(True) != 1:
        raise table.error("a scenario has either [[step]]s or [load] or [sweep]")
    if not scenario.checks:
        raise table.error("a scenario without a [[check]] would pass because nothing was checked")
    if (scenario.load or {}).get("ports") and (scenario.real or len(scenario.servers) > 1 or scenario.servers[0].listen == "unix"):
        raise table.error("with ports, the server is one mock server on TCP: it has to be in the namespace where they are few")
    check_network(scenario, table)
    check_real(scenario, table)
    labels = known_labels(scenario, table)
    for step in scenario.steps:
        named = step.about if step.verb == "reply_of" else step.conn
        if isinstance(named, str):
            check_label(table, step.where, named, labels)
        if step.about == "cancel" and isinstance(step.fields.get("target"), str):
            check_label(table, step.where, step.fields["target"], labels)
        if step.verb == "op" and step.about in ADDRESSED and step.to is None and not {"host", "unix"} & step.fields.keys():
            raise table.error(f'{step.where}: {step.about} needs "to"')
    for number, check in enumerate(scenario.checks, 1):
        for label in checkers.labels(check.checker, check.params):
            check_label(table, f"[[check]] {number}", label, labels)


def check_network(scenario: Scenario, table: Table) -> None:
    if scenario.network and (scenario.load is not None or scenario.names or any(one.listen != "tcp" for one in scenario.servers)):
        raise table.error("[network] goes with steps and with servers that listen on tcp, without [dns]")
    for step in scenario.steps:
        if scenario.network and step.verb in ("states", "bind"):
            raise table.error(f"{step.where}: {step.verb} asks the judge's own kernel, which is not in the [network]")
        if step.verb == "net" and (scenario.network is None or scenario.network.kind not in EVENTS[step.about]):
            kinds = " or ".join(f'"{kind}"' for kind in EVENTS[step.about])
            raise table.error(f'{step.where}: "{step.about}" happens to a network of kind {kinds}')
        if step.verb == "await" and scenario.network is None and set(step.about) & set(WIRE_EVENTS):
            raise table.error(f"{step.where}: {' and '.join(step.about)} can be seen only where there is a [network]")


def check_real(scenario: Scenario, table: Table) -> None:
    if scenario.real is None or not scenario.steps:
        return
    if scenario.network is None:
        raise table.error("[real] with steps needs a [network]: only the wire shows what a real server does")
    for step in scenario.steps:
        if step.verb in MOCK_VERBS or step.conn is not None or (step.verb == "await" and set(step.about) & set(SERVER_EVENTS)):
            raise table.error(f"{step.where}: a real server can neither be told anything nor tells what it sees")


def known_labels(scenario: Scenario, table: Table) -> set[str]:
    labels: set[str] = set()
    for step in scenario.steps:
        for label in step.labels:
            if label in labels:
                raise table.error(f'{step.where}: a second "{label}"')
            if label in SERVER_EVENTS:
                raise table.error(f'{step.where}: "{label}" is the name of a server\'s event')
            labels.add(label)
            if step.verb == "exchange":
                labels |= {f"{label}.{part}" for part in ("connect", "send", "receive", "setkeepalive", "request")}
    return labels


def check_label(table: Table, where: str, label: str, labels: set[str]) -> None:
    if label not in labels:
        raise table.error(f'{where}: no step has the label "{label}"{nearest(label, labels)}')


def load_scenarios(project: Project) -> dict[str, Scenario]:
    """All of them by name, in the order of their names."""
    found = {}
    for path in sorted(project.scenarios.glob("*/*.toml")):
        if path.parent.name != "semantics":
            scenario = read_scenario(path, project)
            found[scenario.name] = scenario
    for scenario in found.values():
        check_controls(scenario, found)
    return found


def check_controls(scenario: Scenario, known: dict[str, Scenario], above: tuple[str, ...] = ()) -> None:
    if scenario.name in above:
        raise UsageError(f"{shown(scenario.path)}: depends_on goes round in a circle: {' -> '.join([*above, scenario.name])}")
    for control in scenario.depends_on:
        if control not in known:
            where = shown(scenario.path)
            raise UsageError(f'{where}: depends_on names "{control}", which is no scenario{nearest(control, known)}')
        check_controls(known[control], known, (*above, scenario.name))
