"""The client kept a connection open."""

from judge.trace import Conn, Finding, Mark, Trace, ms

ENDED = ("fin_seen", "rst_seen", "rst_sent")


def check(trace: Trace, *, conns: list[Conn], until: Mark | None = None) -> Finding:
    """conns: connections (numbers or labels) on which their servers had seen neither FIN nor RST
    until: the beginning of this label or mark (absent: the end of the script)."""
    expected = f"{', '.join(str(c) for c in conns)} open until " + (f'"{until}"' if until else "the end")
    limit = trace.moment(until) if until else None
    if until and limit is None:
        return Finding(False, expected, f'"{until}" never happened', trace.end_t)
    end_t = limit.first if limit else trace.end_t
    for which in conns:
        conn = trace.conn_of(which)
        if conn is None or conn not in trace.by_conn:
            return Finding(False, expected, f"connection {which} was never opened")
        ended = next((e for e in trace.seen_on(conn, *ENDED) if e.t < end_t), None)
        if ended:
            return Finding(False, expected, f"connection {conn}: {ended.ev}, {ms(end_t - ended.t)} before", ended.t, conn)
    return Finding(True, expected, "no FIN and no RST by then")
