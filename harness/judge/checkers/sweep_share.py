"""What became of the second requests of a sweep's pairs, within a stretch of gaps."""

from collections import Counter

from judge.trace import Finding, Trace
from judge.trace.proportion import wilson

OUTCOMES = ("same", "new", "failed")


def check(
    trace: Trace, *, outcome: str, before_ms: float | None = None, room_ms: float | None = None,
    behind_ms: float | None = None, spare_ms: float = 0, least: float = 0, most: float = 1,
) -> Finding:
    """outcome: answered over the same connection ("same"), over a new one ("new"), or "failed".
    before_ms: only pairs whose server cannot have been idle for that long.  room_ms: how much sooner that is than the server's
    timeout: a server that was held up by so much closes over a request that came in time.
    behind_ms: only those whose client waited for longer, and spare_ms (times --timeout-scale) longer still.
    least, most: the outcome's share of them, from 0 to 1."""
    if outcome not in OUTCOMES:
        raise ValueError(f'outcome is one of {", ".join(OUTCOMES)}, not "{outcome}"')
    spare = spare_ms * trace.scale
    where = [f"before {before_ms:g} ms"] if before_ms is not None else []
    where += [f"behind {behind_ms + spare:g} ms"] if behind_ms is not None else []
    share = f"{least:.0%}" if least == most else f"{least:.0%} to {most:.0%}"
    expected = f"{share} of the second requests {' and '.join(where) or 'at any gap'}: {outcome}"
    found = [
        one for one in (trace.sweep or {"samples": []})["samples"]
        if (before_ms is None or one["span_ms"] < before_ms) and (behind_ms is None or one["gap_ms"] > behind_ms + spare)
    ]
    margin_ms = spare or room_ms
    if not found:
        return Finding(False, expected, "not one pair came about there", trace.end_t, margin_ms=margin_ms)
    counts = Counter(one["outcome"] for one in found)
    how = Counter(one["how"] for one in found if one["how"])
    low, high = wilson(counts[outcome], len(found))
    seen = f"{counts[outcome]} of {len(found)} (95 % interval: {low:.1%} to {high:.1%}); {said(counts)}" + (f"; {said(how)}" if how else "")
    value = {"share": counts[outcome] / len(found), "low": low, "high": high, "of": len(found), "how": dict(how)}
    return Finding(least <= counts[outcome] / len(found) <= most, expected, seen, trace.end_t, margin_ms=margin_ms, value=value)


def said(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
