"""How long a step took."""

from judge.trace import Finding, Label, Trace, ms
from judge.trace.event import MS, UNORDERED_NS


def check(trace: Trace, *, of: Label, min_ms: float | None = None, max_ms: float | None = None) -> Finding:
    """of: a label, from when its command was written until its answer was read.
    min_ms: strict.  max_ms: times --timeout-scale."""
    least = [f"no sooner than {min_ms} ms"] if min_ms is not None else []
    most = [f"no later than {max_ms} ms"] if max_ms is not None else []
    expected = f'"{of}" is answered {" and ".join(least + most)}'
    span, answer = trace.moment(of), trace.answer(of)
    if span is None or answer is None:
        return Finding(False, expected, f'"{of}" was never answered', trace.end_t)
    took = span.done - span.first
    seen = f"after {ms(took)}"
    if min_ms is not None and took < min_ms * MS - UNORDERED_NS:
        return Finding(False, expected, seen, span.done)
    if max_ms is not None and took > max_ms * trace.scale * MS:
        return Finding(False, expected, seen, span.done, margin_ms=max_ms * trace.scale - (min_ms or 0))
    return Finding(True, expected, seen)
