"""The client ended its side of a connection, when it had to."""

from judge.trace import Conn, Finding, Mark, Moment, Trace, ms
from judge.trace.event import MS, UNORDERED_NS

HOW = {"fin": "fin_seen", "rst": "rst_seen"}


def check(
    trace: Trace, *, conns: list[Conn], how: list[str] | None = None, after: Moment | None = None,
    min_ms: float | None = None, max_ms: float | None = None, before: Mark | None = None,
) -> Finding:
    """conns: connections (numbers or labels) that the client ended, as their servers saw it, while the script ran.
    how: "fin" and/or "rst" (either).  before: a label or mark by whose beginning the end had been seen.
    after: a label, a mark, or a server's event on that connection, from which the next two count.
    min_ms: strict, from when the command `after` was written.  max_ms: from its reply, times --timeout-scale."""
    kinds = [HOW[one] for one in how or HOW]
    expected = _say(conns, how, after, min_ms, max_ms, before)
    seen = []
    for which in conns:
        conn = trace.conn_of(which)
        if conn is None or conn not in trace.by_conn:
            return Finding(False, expected, f"connection {which} was never opened")
        start = trace.moment(after, conn) if after else None
        limit = trace.moment(before, conn) if before else None
        if (after and start is None) or (before and limit is None):
            return Finding(False, expected, f'"{before if start or not after else after}" never happened', trace.end_t, conn)
        end = next(iter(trace.seen_on(conn, *HOW.values())), None)
        if end is None:
            seen.append(f"connection {conn} was not ended by the client")
            return Finding(False, expected, seen[-1], trace.end_t, conn, _margin(trace, max_ms))
        took = f" {ms(end.t - start.last)} after" if start else ""
        seen.append(f"connection {conn}: {end.ev}{took}")
        early = min_ms is not None and end.t - start.last < min_ms * MS - UNORDERED_NS
        if end.ev not in kinds or early or (limit and end.t > limit.first):
            return Finding(False, expected, seen[-1], end.t, conn)
        if max_ms is not None and end.t - start.done > max_ms * trace.scale * MS:
            return Finding(False, expected, seen[-1], end.t, conn, _margin(trace, max_ms, min_ms))
    return Finding(True, expected, "; ".join(seen))


def _margin(trace: Trace, max_ms: float | None, min_ms: float | None = None) -> float | None:
    return None if max_ms is None else max_ms * trace.scale - (min_ms or 0)


def _say(
    conns: list[Conn], how: list[str] | None, after: str | None, min_ms: float | None, max_ms: float | None, before: str | None,
) -> str:
    words = [f"the client ends {', '.join(str(c) for c in conns)}"]
    words += [f"with {' or '.join(one.upper() for one in how)}"] if how else []
    words += [f"no earlier than {min_ms} ms"] if min_ms is not None else []
    words += [f"no later than {max_ms} ms"] if max_ms is not None else []
    words += [f'after "{after}"'] if after else []
    words += [f'before "{before}"'] if before else []
    return " ".join(words)
