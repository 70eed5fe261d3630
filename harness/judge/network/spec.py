"""What a scenario says of its network: `network = { kind = "pair", syn_retries = 1 }` or
`{ kind = "nat", forgets = "silent", entry_s = 2 }`."""

from __future__ import annotations

from dataclasses import dataclass

from judge.table import Table

KINDS = {
    "pair": "a cable between client and server",
    "nat": "a box between them that translates addresses, with a table of the connections that it knows",
}
FORGETS = {
    "reset": "a packet of a connection that it has forgotten is taken for the first of a new one, under another port: the server resets it",
    "silent": "a packet of a connection that it has forgotten is dropped",
}


@dataclass(frozen=True)
class NetworkSpec:
    kind: str
    forgets: str = "reset"
    entry_s: int | None = None  # how long a box keeps a connection on which nothing is sent; None: days
    syn_retries: int | None = None  # how often the client's system sends a SYN again that is not answered; None: Linux's default


def read_network(scenario: Table) -> NetworkSpec | None:
    table = scenario.table("network")
    if table is None:
        return None
    kind = table.choice("kind", KINDS)
    if kind != "nat" and (stray := table.data.keys() & {"forgets", "entry_s"}):
        raise table.error(f'"{min(stray)}" is of a nat')
    spec = NetworkSpec(kind, table.choice("forgets", FORGETS, "reset"), table.whole("entry_s", None, least=1),
                       table.whole("syn_retries", None, least=1))
    table.end()
    return spec
