"""What the load generator measured."""

from judge.trace import Bounds, Finding, Trace, compare


def check(trace: Trace, *, expect: Bounds) -> Finding:
    """expect: for each figure of run.json, dots for depth ("closed.evicted"): the number that it must be, or [least, most]."""
    if trace.run is None:
        return Finding(False, "a load run", "the load generator left no result", trace.end_t)
    return compare("the load generator's", trace.run, expect)

