"""No connection is idle past its timeout."""

from judge.trace import Finding, Trace, idle_spans, ms
from judge.trace.event import MS

EVERY_TRACE = "trace/idle-within-timeout"
MARGIN_MS = 250  # for a timer to fire and its FIN to be seen by the server; times --timeout-scale, plus the lag


def check(trace: Trace) -> Finding:
    """From when a connection was given back (in load runs: from the response) to its end, its next use, or the end of the
    run; less the time in which a `block` held the subject's thread."""
    margin_ms = trace.margin_ms(MARGIN_MS)
    expected = "no connection idle for longer than its timeout"
    spans = [span for span in idle_spans(trace) if span.timeout_ms is not None]
    for span in spans:
        idle = span.end - span.start - trace.blocked_ns(span.start, span.end)
        if idle > (span.timeout_ms + margin_ms) * MS:
            seen = f"connection {span.conn} was idle for {ms(idle)}, its timeout is {span.timeout_ms} ms"
            return Finding(False, expected, seen, span.start + int(span.timeout_ms * MS), span.conn)
    return Finding(True, expected, f"{len(spans)} idle stretches with a timeout")
