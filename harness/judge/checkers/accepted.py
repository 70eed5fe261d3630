"""How many connections the server accepted."""

from judge.trace import Finding, Mark, Trace


def check(
    trace: Trace, *, count: int | None = None, min: int | None = None, max: int | None = None,
    listener: str | None = None, until: Mark | None = None,
) -> Finding:
    """count: exactly so many; or min and/or max.  listener: of this server only.  until: before the beginning of this label
    or mark."""
    least, most = (count, count) if count is not None else (min or 0, max)
    wanted = f"exactly {least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
    expected = f"{wanted} connections" + (f" at {listener}" if listener else "") + (f' before "{until}"' if until else "")
    limit = trace.moment(until) if until else None
    if until and limit is None:
        return Finding(False, expected, f'"{until}" never happened', trace.end_t)
    end_t = limit.first if limit else trace.end_t
    found = [e for e in trace.server if e.ev == "accepted" and e.t <= end_t and listener in (None, e.get("listener"))]
    seen = f"{len(found)} accepted"
    if most is not None and len(found) > most:
        return Finding(False, expected, seen, found[most].t, found[most].conn)
    return Finding(len(found) >= least, expected, seen, found[-1].t if found else None)
