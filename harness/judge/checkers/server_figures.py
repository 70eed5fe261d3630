"""What the server's books say, summed."""

from judge.trace import Bounds, Finding, Trace, compare


def check(trace: Trace, *, expect: Bounds, listener: str = "origin") -> Finding:
    """expect: for each figure of a listener's books (accepted, requests, responses, peak_open, fin_sent, rst_sent,
    fin_seen, rst_seen, stray, late, ...): the number that it must be, or [least, most].  listener: whose books."""
    if listener not in trace.listeners:
        return Finding(False, f"books of {listener}", "the server left none", trace.end_t)
    return compare("the server's", trace.listeners[listener], expect)
