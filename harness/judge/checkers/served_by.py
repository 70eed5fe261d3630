"""Which server connection served which step."""

from itertools import combinations

from judge.trace import Conn, Finding, Trace


def check(trace: Trace, *, same: list[list[Conn]] | None = None, distinct: list[list[Conn]] | None = None) -> Finding:
    """same: groups of labels (or connection numbers); all of a group were served by one and the same connection. distinct:
    groups of which no two were. A label whose connection is unknown, because nothing of it reached a server, convicts."""
    expected = "; ".join(
        [f"{_names(group)} share one connection" for group in same or []]
        + [f"no two of {_names(group)} share a connection" for group in distinct or []]
    )
    if not expected:
        return Finding(False, "something to compare", "neither same nor distinct was given")
    seen = []
    for group, want_same in [(g, True) for g in same or []] + [(g, False) for g in distinct or []]:
        conns = {label: trace.conn_of(label) for label in group}
        seen.append(", ".join(f'"{label}" by connection {conn}' for label, conn in conns.items()))
        lost = next((label for label, conn in conns.items() if conn is None), None)
        if lost is not None:
            return Finding(False, expected, f'nothing of "{lost}" reached a server', _when(trace, lost))
        for one, other in combinations(group, 2):
            if (conns[one] == conns[other]) != want_same:
                return Finding(False, expected, seen[-1], _when(trace, other), conns[other])
    return Finding(True, expected, "; ".join(seen))


def _names(group: list[Conn]) -> str:
    return ", ".join(f'"{one}"' for one in group)


def _when(trace: Trace, which: Conn) -> int | None:
    span = trace.moment(which) if isinstance(which, str) else None
    return span.first if span else None
