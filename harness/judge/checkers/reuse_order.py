"""Which of several idle connections is given first. For a clause of level `observe`."""

from judge.trace import Finding, Label, Trace


def check(trace: Trace, *, returned: list[Label], then: list[Label]) -> Finding:
    """returned: labels of exchanges, in the order in which they gave their connections back.  then: the checkouts that followed.
    Observes "lifo" (most recently returned first), "fifo", or "other"."""
    expected = "an order of reuse that can be named"
    back = [trace.conn_of(label) for label in returned]
    out = [trace.conn_of(label) for label in then]
    if None in back + out:
        return Finding(False, expected, "a connection is not known", trace.end_t)
    policy = "lifo" if out == back[::-1][: len(out)] else "fifo" if out == back[: len(out)] else "other"
    return Finding(True, expected, f"returned {back}, then given {out}: {policy}", value=policy)
