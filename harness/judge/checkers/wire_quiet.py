"""Nothing at all came from the client."""

from judge.trace import Conn, Finding, Mark, Trace

FROM_CLIENT = ("request", "late", "fin_seen", "rst_seen")


def check(trace: Trace, *, conns: list[Conn], after: Mark, until: Mark) -> Finding:
    """conns: connections (numbers or labels) on which no request, FIN or RST arrived
    after: between the end of this label or mark  until: and the beginning of this one."""
    expected = f'nothing from the client on {", ".join(str(c) for c in conns)} between "{after}" and "{until}"'
    start, end = trace.moment(after), trace.moment(until)
    if start is None or end is None:
        return Finding(False, expected, f'"{until if start else after}" never happened', trace.end_t)
    for which in conns:
        conn = trace.conn_of(which)
        if conn is None or conn not in trace.by_conn:
            return Finding(False, expected, f"connection {which} was never opened")
        for event in trace.seen_on(conn, *FROM_CLIENT):
            if start.done < event.t < end.first:
                return Finding(False, expected, f"connection {conn}: {event.ev}", event.t, conn)
    return Finding(True, expected, "nothing")
