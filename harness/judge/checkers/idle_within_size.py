"""No more idle connections than the pool's size, per worker."""

import bisect
from collections import defaultdict

from judge.trace import Finding, IdleSpan, Trace, idle_spans
from judge.trace.event import MS

EVERY_TRACE = "trace/idle-within-size"
MARGIN_MS = 250  # for an eviction's FIN to be seen by the server; times --timeout-scale, plus the lag


def check(trace: Trace) -> Finding:
    """Connections are counted by what the wire shows: given back and not taken, and not ended either for longer than the
    margin. In load runs the load generator's own peak is looked at, too."""
    expected = "no more idle connections than the pool's size"
    if trace.run:
        size = trace.run["pool"]["size"]
        peaks = trace.run.get("idle_peak_per_worker") or []
        if any(peak > size for peak in peaks):
            return Finding(False, expected, f"peaks of {peaks} with a size of {size}", trace.end_t)
    spans = idle_spans(trace)
    found = _crowded(spans, trace.margin_ms(MARGIN_MS))
    if found:
        span, count = found
        seen = f"{count} idle in {span.pool}, whose size is {span.size}"
        return Finding(False, expected, seen, span.start, span.conn)
    return Finding(True, expected, f"{len(spans)} idle stretches, never too many at a time")


def _crowded(spans: list[IdleSpan], margin_ms: float) -> tuple[IdleSpan, int] | None:
    """The first span at whose start its pool had too many that lasted, and how many those were."""
    ends: dict[str, list[int]] = defaultdict(list)  # of each pool's spans that had begun, sorted
    for span in sorted(spans, key=lambda one: one.start):
        end = span.end - int(margin_ms * MS)
        if end <= span.start:
            continue
        pool = ends[span.pool]
        del pool[: bisect.bisect_right(pool, span.start)]
        bisect.insort(pool, end)
        if len(pool) > span.size:
            return span, len(pool)
    return None
