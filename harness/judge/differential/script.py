"""A script: what a client does on one connection. A list of steps, one short text each:

    GET /ok HTTP/1.0 | Connection: close    a request: method, target, [version], fields. Host is added, unless !Host stands there
    A && B                                  in one write; so are  3 * GET /ok  and the three below
    raw GET /ok\\r\\n                         these bytes, with Python's escapes
    dots 1000                               1000 bytes of a body
    answer, answers 3                       reads on until one more answer (three more) has come, or the end
    wait 300                                reads on for 300 ms
    end 2000                                reads on until the end of the connection, for 2000 ms at most
    late                                    behind the end: one more request is written, and the kernel asked what became of it
    fin                                     half-closes
    stall, read                             stops reading; reads again

and what happens beside it, to the server or by others. Such a case has servers of its own:

    server reload                           the server is told so: nginx reload, quit or stop; Tomcat shutdown
    open 12                                 12 other clients, one after the other: each asks once, and stays. Those that begin a script
                                            come before the connection itself
    open 12 fresh, open 12 busy             ... asks nothing; sends a head, is told to continue, and does not
    leave 2                                 the first two of them that are still there close
    others                                  what has become of each is looked at

Behind the end only these, `late` and waits are still played: a script need not know where its server closes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from judge.errors import UsageError
from judge.names import nearest
from judge.table import Table

BARE = ("answer", "late", "fin", "stall", "read", "others")
COUNTED = ("answers", "wait", "end", "leave")
BESIDE = ("server", "open", "leave", "others")
OPEN_AS = ("idle", "busy", "fresh")


@dataclass(frozen=True)
class Step:
    text: str
    verb: str  # send, or one of BARE, COUNTED and BESIDE
    amount: int = 0
    word: str = ""  # the order to the server; one of OPEN_AS
    data: bytes = b""
    methods: tuple[str, ...] = ()  # of the requests that begin in data


@dataclass(frozen=True)
class Case:
    """`server`: the configuration's name. `alone`: played on servers that nobody else talks to."""

    name: str
    server: str
    steps: tuple[Step, ...]
    alone: bool = False
    long: bool = False  # only under --full

    @property
    def own(self) -> bool:
        """Whether its servers are nobody else's: it tells them something, or counts on how many there are."""
        return any(step.verb in BESIDE for step in self.steps)

    @property
    def budget_ms(self) -> int:
        """What its own waits may take."""
        return sum(step.amount for step in self.steps if step.verb in ("wait", "end"))


def read_step(text: str) -> Step:
    word, _, rest = text.partition(" ")
    if word in BARE and not rest:
        return Step(text, "answers" if word == "answer" else word, 1)
    if word in COUNTED and rest.isdigit():
        return Step(text, word, int(rest))
    if word == "server" and rest:
        return Step(text, word, word=rest)
    if word == "open" and (found := re.fullmatch(r"(\d+)(?: (\w+))?", rest)) and (found[2] or "idle") in OPEN_AS:
        return Step(text, word, int(found[1]), word=found[2] or "idle")
    parts = [read_part(part.strip(" ")) for part in text.split(" && ")]
    return Step(
        text, "send", data=b"".join(data for data, _ in parts), methods=tuple(one for _, methods in parts for one in methods)
    )


def read_part(text: str) -> tuple[bytes, tuple[str, ...]]:
    times, text = (int(found[1]), found[2]) if (found := re.fullmatch(r"(\d+) \* (.+)", text)) else (1, text)
    word, _, rest = text.partition(" ")
    if word == "raw" and rest:
        begun = re.match(r"([A-Z]+) /", rest)  # a request that another step may complete
        return rest.encode().decode("unicode_escape").encode("latin-1") * times, (begun[1],) * times if begun else ()
    if word == "dots" and rest.isdigit():
        return b"." * int(rest) * times, ()
    if not re.fullmatch(r"[A-Z]+ /\S*( HTTP/1\.[01])?( \|.*)?", text):
        raise ValueError(f'"{text}" is no step: neither a request like "GET /ok | Name: value" nor one of the others')
    return request_bytes(text) * times, (word,) * times


def request_bytes(text: str) -> bytes:
    """GET /ok HTTP/1.0 | A: b → the request's head."""
    line, *fields = (part.strip() for part in text.split("|"))
    if not re.search(r" HTTP/\d\.\d$", line):
        line += " HTTP/1.1"
    if "!Host" in fields:
        fields.remove("!Host")
    elif not any(field.lower().startswith("host:") for field in fields):
        fields.insert(0, "Host: a.test")
    return "\r\n".join([line, *fields, "", ""]).encode("latin-1")


def read_cases(folder: Path, servers: frozenset[str], orders: Sequence[str] = ()) -> list[Case]:
    """Every case of a kind: FILE/TABLE in cases/KIND/FILE.toml. `orders`: what its server can be told."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        whole = Table.load(path)
        for slug, data in whole.data.items():
            table = whole.child(f"[{slug}]", data)
            found.append(read_case(f"{path.stem}/{slug}", table, servers, orders))
    return found


def read_case(name: str, table: Table, servers: frozenset[str], orders: Sequence[str]) -> Case:
    try:
        steps = tuple(map(read_step, table.names("script")))
    except (ValueError, UnicodeError) as err:
        raise table.error(str(err)) from None
    if not steps:
        raise UsageError(f"{name}: a case without a script")
    for step in steps:
        if step.verb == "server" and step.word not in orders:
            raise table.error(f'"{step.text}": this server cannot be told so{nearest(step.word, orders)}')
    case = Case(
        name, table.choice("server", servers, "plain"), steps, alone=table.flag("alone", False), long=table.flag("long", False)
    )
    table.end()
    return case
