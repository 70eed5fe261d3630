"""How often the server saw or did a thing."""

from judge.trace import Conn, Finding, Mark, Trace


def check(
    trace: Trace, *, ev: str, conn: Conn | None = None, min: int = 1, max: int | None = None, before: Mark | None = None,
) -> Finding:
    """ev: an event of the server's trace ("request", "fin_seen", "late" ...).  conn: on this connection (number or label;
    absent: any). min, max: how often, while the script ran, or before the beginning of this label or mark."""
    expected = f"{ev} at least {min} times" if max is None else f"{ev} {min} to {max} times" if max else f"no {ev}"
    expected += f' before "{before}"' if before else ""
    limit = trace.moment(before) if before else None
    if before and limit is None:
        return Finding(False, expected, f'"{before}" never happened', trace.end_t)
    number = trace.conn_of(conn) if conn is not None else None
    if conn is not None and (number is None or number not in trace.by_conn):
        return Finding(False, expected, f"connection {conn} was never opened")
    found = [e for e in trace.server if e.ev == ev and number in (None, e.conn) and (limit is None or e.t < limit.first)]
    if max is not None and len(found) > max:
        return Finding(False, expected, f"{len(found)} times", found[max].t, found[max].conn)
    return Finding(len(found) >= min, expected, f"{len(found)} times", trace.end_t, number)
