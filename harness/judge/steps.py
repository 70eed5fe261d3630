"""The steps of a scenario: one verb each, and the keys that the verb takes.

    op = "connect"              any op of PROTOCOL.md with its fields; `to` names the server in place of host and port or path;
                                null = ["field"] sends a field as null; in data and path, {token} becomes a token of its own, in a
                                connect's texts {host}, {port} and {path} are those of `to`; cancel's target is a label;
                                send's fill = n is n bytes of data
    exchange = "label"          connect, GET, the whole response, setkeepalive: sock (the label), to ("origin"), keep, connect (both
                                true), path, method, host, worker, options, timeout_ms, size. Its commands are "label.connect" ...
    act = "fin", conn           a misdeed of the server's: fin, rst, half_close, send (data, or fill = n bytes), urgent, stop_reading,
                                close (gives the descriptor up: the kernel answers what comes later, and nobody sees it),
                                close_unread (closes over the next bytes, unread: the kernel makes that a RST)
    await = "fin_seen"          or a list; conn, count, within_ms: until the server has seen it. A miss is noted, the run goes on
                                Of a scenario with a network also, seen on the wire (no conn): probe, probe_answered, retransmitted,
                                reset, fin, unreachable
    net = "cut"                 what happens to the scenario's network: cut, heal, reboot, forget, evict, lose_fins, refuse,
                                port_unreachable, host_unreachable, prohibited (network/network.py)
    release = "gate", count     lets those pass that wait at a gate
    reply_of = "label"          waits for the answer to a step with pending = true
    pass_ms = 200               lets time pass: never to get an order, only where the property is that nothing happens
    mark = "label"              a moment that checks can name; all that the servers' kernel had is in the trace before it
    unlisten = "origin"         the server stops listening
    states = "label"            what the kernel says of both ends of that connection; until = {client, server}: once they are in these
                                states (CLOSED: in no table any more), within_ms
    bind = "origin"             tries to listen where that server did; reuse = true: with SO_REUSEADDR
    order = "reload", to        what a server's behaviour can be told (nginx: reload, quit, stop; tomcat: shutdown); to: "origin"

Where a connection is meant, a number or the label of what it served. label, within_ms (for the answer) and pending go with most;
repeat = n makes n copies, in which # is 1 to n."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from judge.names import nearest
from judge.network.network import EVENTS, WIRE_EVENTS
from judge.sockets import GONE, SIDES, STATES
from judge.table import Table

# What PROTOCOL.md lets each op carry, beside the keys below. Values are not looked at: a wrong one is the pool's to answer.
OPS: dict[str, frozenset[str]] = {
    "connect": frozenset({"sock", "host", "port", "unix", "options", "worker", "arguments"}),
    "send": frozenset({"sock", "data", "fill"}),
    "receive": frozenset({"sock", "bytes", "line", "any", "all"}),
    "setkeepalive": frozenset({"sock", "timeout_ms", "size", "arguments"}),
    "getreusedtimes": frozenset({"sock", "arguments"}),
    "settimeouts": frozenset({"sock", "connect_ms", "send_ms", "read_ms"}),
    "close": frozenset({"sock", "arguments"}),
    "cancel": frozenset({"target"}),
    "request": frozenset({"path", "method", "headers", "body", "timeout_ms", "read_body"}),
    "batch": frozenset({"commands"}),
    "block": frozenset({"ms"}),
    "stats": frozenset(),
    "stop": frozenset({"worker"}),
}
REQUEST_OPS = frozenset({"request", "stats", "block", "cancel", "stop"})  # what a subject without sockets can be asked
ADDRESSED = frozenset({"connect", "request"})  # `to` fills in the address
ACTS = ("fin", "rst", "half_close", "send", "urgent", "stop_reading", "close", "close_unread")
SERVER_EVENTS = (
    "accepted", "request", "response", "stray", "fin_sent", "rst_sent", "fin_seen", "rst_seen", "late", "gate", "closed", "query",
    "switched", "abandoned",
)
VERBS = ("op", "exchange", "act", "await", "release", "pass_ms", "mark", "unlisten", "order", "reply_of", "states", "bind", "net")
MOCK_VERBS = ("act", "release", "unlisten", "order")  # that only the mock server understands


@dataclass(frozen=True)
class Step:
    """verb, and what it is about (the op's name, the exchange's label, the misdeed, ...)."""

    verb: str
    about: Any
    where: str
    label: str | None = None
    to: str | None = None
    conn: int | str | None = None
    pending: bool = False
    within_ms: float | None = None
    count: int = 1
    fields: dict[str, Any] | None = None  # of an op; what else the other verbs carry
    commands: tuple[Step, ...] = ()  # of a batch

    @property
    def labels(self) -> list[str]:
        own = [self.about] if self.verb in ("exchange", "mark") else [self.label] if self.label else []
        return own + [label for command in self.commands for label in command.labels]

    @property
    def needs_socket(self) -> bool:
        """Of an exchange: whether it asks for what a whole request does not have."""
        whole = self.fields["keep"] and self.fields["connect"]
        return not whole or any(self.fields.get(key) is not None for key in ("worker", "options", "timeout_ms", "size"))


def read_steps(scenario: Table, servers: set[str]) -> tuple[Step, ...]:
    steps: list[Step] = []
    for table in scenario.tables("step"):
        times = table.whole("repeat", 1, least=1)
        for n in range(1, times + 1):
            copy = Table(table.path, table.where, numbered(table.data, n) if times > 1 else table.data)
            copy.known = {"repeat"}
            steps.append(read_step(copy, servers))
    return tuple(steps)


def numbered(value: Any, n: int) -> Any:
    """`#` stands for the number of the copy of a repeated step."""
    if isinstance(value, str):
        return value.replace("#", str(n))
    if isinstance(value, dict):
        return {key: numbered(one, n) for key, one in value.items()}
    return [numbered(one, n) for one in value] if isinstance(value, list) else value


def read_step(table: Table, servers: set[str]) -> Step:
    verbs = [verb for verb in VERBS if verb in table.data]
    if len(verbs) != 1:
        near = next((hint for key in table.data if (hint := nearest(key, VERBS))), "")
        found = " and ".join(verbs) or "none" + near
        raise table.error(f"a step has exactly one verb of {', '.join(VERBS)}; this one has {found}")
    step = READERS[verbs[0]](table, servers)
    table.end()
    return step


def read_op(table: Table, servers: set[str]) -> Step:
    op = table.choice("op", OPS)
    if op == "batch":
        commands = tuple(read_command(one, servers) for one in table.tables("commands"))
        if not commands:
            raise table.error("a batch needs commands")
        return Step("op", op, table.where, commands=commands, fields={}, **taken(table, "label", "pending", "within_ms"))
    return read_command(table, servers)


def read_command(table: Table, servers: set[str]) -> Step:
    """An op, alone or in a batch."""
    op = table.choice("op", [name for name in OPS if name != "batch"])
    fields = {key: value for key, value in table.data.items() if key in OPS[op]}
    table.known |= OPS[op]
    for key in table.names("null", OPS[op]):
        fields[key] = None
    if "sock" in OPS[op]:
        table.text("sock")
    to = taken(table, "to") if op in ADDRESSED else {}
    if to.get("to") is not None:
        table.check_name("to", to["to"], servers)
    elif op == "request" or (op == "connect" and not {"host", "unix"} & fields.keys()):
        raise table.error(f'{op} needs "to", the name of a server')
    step = Step("op", op, table.where, fields=fields, **to, **taken(table, "label", "pending", "within_ms"))
    table.end()
    return step


def read_exchange(table: Table, servers: set[str]) -> Step:
    label = table.text("exchange")
    fields = {
        "sock": table.text("sock", label),
        "connect": table.flag("connect", True),
        "keep": table.flag("keep", True),
        "path": table.text("path", "/"),
        "method": table.text("method", "GET"),
        "worker": table.whole("worker", None),
        "options": table.take("options", dict, None),
        "host": table.text("host", None),
    }
    table.known |= {"timeout_ms", "size"}
    fields |= {key: table.data[key] for key in ("timeout_ms", "size") if key in table.data}
    to = table.text("to", "origin" if fields["connect"] else None)
    if to is not None:
        table.check_name("to", to, servers)
    return Step("exchange", label, table.where, to=to, fields=fields, **taken(table, "pending", "within_ms"))


def read_act(table: Table, servers: set[str]) -> Step:
    act = table.choice("act", ACTS)
    fill = table.whole("fill", None, least=1) if act == "send" else None
    fields = {"data": table.text("data") if act == "send" and fill is None else "." * fill if fill else table.text("data", None)}
    return Step("act", act, table.where, conn=read_conn(table), fields=fields, **taken(table, "label"))


def read_await(table: Table, servers: set[str]) -> Step:
    value = table.take("await", (str, list))
    kinds = [value] if isinstance(value, str) else value
    for kind in kinds:
        table.check_name("await", kind, (*SERVER_EVENTS, *WIRE_EVENTS))
    conn = read_conn(table) if "conn" in table.data else None
    count = table.whole("count", 1, least=1)
    return Step("await", tuple(kinds), table.where, conn=conn, count=count, **taken(table, "label", "within_ms"))


def read_conn(table: Table) -> int | str:
    return table.take("conn", (int, str))


def read_release(table: Table, servers: set[str]) -> Step:
    return Step("release", table.text("release"), table.where, count=table.whole("count", 1, least=1), **taken(table, "label"))


def read_unlisten(table: Table, servers: set[str]) -> Step:
    return Step("unlisten", table.choice("unlisten", servers), table.where)


def read_order(table: Table, servers: set[str]) -> Step:
    to = table.text("to", "origin")
    table.check_name("to", to, servers)
    return Step("order", table.text("order"), table.where, to=to, **taken(table, "label"))


def read_states(table: Table, servers: set[str]) -> Step:
    conn, until = table.take("states", (int, str)), table.table("until")
    fields = {side: until.choice(side, (*STATES.values(), GONE), None) for side in SIDES} if until else {}
    if until:
        until.end()
    return Step("states", conn, table.where, conn=conn, fields=fields, **taken(table, "label", "within_ms"))


def read_bind(table: Table, servers: set[str]) -> Step:
    fields = {"reuse": table.flag("reuse", False)}
    return Step("bind", table.choice("bind", servers), table.where, fields=fields, **taken(table, "label"))


READERS = {
    "op": read_op,
    "exchange": read_exchange,
    "act": read_act,
    "await": read_await,
    "release": read_release,
    "unlisten": read_unlisten,
    "states": read_states,
    "bind": read_bind,
    "order": read_order,
    "pass_ms": lambda table, servers: Step("pass_ms", table.number("pass_ms"), table.where, **taken(table, "label")),
    "net": lambda table, servers: Step("net", table.choice("net", EVENTS), table.where, **taken(table, "label")),
    "mark": lambda table, servers: Step("mark", table.text("mark"), table.where),
    "reply_of": lambda table, servers: Step("reply_of", table.text("reply_of"), table.where, **taken(table, "within_ms")),
}


def taken(table: Table, *keys: str) -> dict[str, Any]:
    """The keys that many verbs have in common."""
    readers = {
        "label": lambda: table.text("label", None),
        "to": lambda: table.text("to", None),
        "pending": lambda: table.flag("pending", False),
        "within_ms": lambda: table.number("within_ms", None),
    }
    return {key: readers[key]() for key in keys}
