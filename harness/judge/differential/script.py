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

Behind the end only `late` and waits are still played: a script need not know where its server closes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from judge.errors import UsageError
from judge.table import Table

BARE = ("answer", "late", "fin", "stall", "read")
COUNTED = ("answers", "wait", "end")


@dataclass(frozen=True)
class Step:
    text: str
    verb: str  # send, or one of BARE and COUNTED
    amount: int = 0
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
    def budget_ms(self) -> int:
        """What its own waits may take."""
        return sum(step.amount for step in self.steps if step.verb in ("wait", "end"))


def read_step(text: str) -> Step:
    word, _, rest = text.partition(" ")
    if word in BARE and not rest:
        return Step(text, "answers" if word == "answer" else word, 1)
    if word in COUNTED and rest.isdigit():
        return Step(text, word, int(rest))
    parts = [read_part(part.strip(" ")) for part in text.split(" && ")]
    return Step(text, "send", 0, b"".join(data for data, _ in parts), tuple(one for _, methods in parts for one in methods))


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


def read_cases(folder: Path, servers: frozenset[str]) -> list[Case]:
    """Every case of a kind: FILE/TABLE in cases/KIND/FILE.toml."""
    found = []
    for path in sorted(folder.glob("*.toml")):
        whole = Table.load(path)
        for slug, data in whole.data.items():
            table = whole.child(f"[{slug}]", data)
            found.append(read_case(f"{path.stem}/{slug}", table, servers))
    return found


def read_case(name: str, table: Table, servers: frozenset[str]) -> Case:
    try:
        steps = tuple(map(read_step, table.names("script")))
    except (ValueError, UnicodeError) as err:
        raise table.error(str(err)) from None
    if not steps:
        raise UsageError(f"{name}: a case without a script")
    case = Case(
        name, table.choice("server", servers, "plain"), steps, alone=table.flag("alone", False), long=table.flag("long", False)
    )
    table.end()
    return case
