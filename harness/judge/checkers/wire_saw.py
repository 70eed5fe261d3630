"""What was on the wire at the client, beyond the bytes: keepalive's probes, their answers, what is sent again, resets, ICMP."""

from judge.trace import Event, Finding, Mark, Trace, ms
from judge.trace.event import MS, UNORDERED_NS

WORDS = {
    "probe": "probes", "probe_answered": "answers to probes", "retransmitted": "segments sent again", "reset": "resets", "fin": "FINs",
    "unreachable": "ICMP messages of what cannot be reached",
}


def check(
    trace: Trace, *, ev: str, side: str | None = None, min: int = 1, max: int | None = None, after: Mark | None = None,
    before: Mark | None = None, min_ms: float | None = None, max_ms: float | None = None, flags: str | None = None,
    bytes: int | None = None,
) -> Finding:
    """ev: "probe", "probe_answered", "retransmitted", "reset", "fin", "unreachable".  side: who sent it, "client" or "server" (either).
    min, max: how often, while the script ran, between the labels or marks `after` (its end) and `before` (its beginning).
    min_ms, max_ms: when the first came: since the beginning of `after`, strict (what TCP counts from, the last segment that came, is
    younger than that); since its end, times --timeout-scale.
    flags, bytes: each of them had these flags ("A" = nothing but ACK), this length."""
    if ev not in WORDS or side not in (None, "client", "server"):  # what never happens would never be seen, and that be green
        raise ValueError(f'ev is one of {", ".join(WORDS)}, and side is client or server: not "{ev}", "{side}"')
    start, limit = (trace.moment(name) if name else None for name in (after, before))
    expected = _say(ev, side, min, max, after, before, min_ms, max_ms, flags, bytes)
    for name, span in ((after, start), (before, limit)):
        if name and span is None:
            return Finding(False, expected, f'"{name}" never happened', trace.end_t)
    since, until = (start.done if start else 0), (limit.first if limit else trace.end_t)
    found = [e for e in trace.events if e.who == "wire" and e.ev == ev and side in (None, e["side"]) and since <= e.t <= until]
    if len(found) < min:
        return Finding(False, expected, f"{len(found)} of them", trace.end_t, margin_ms=_margin(trace, min_ms, max_ms))
    if max is not None and len(found) > max:
        return Finding(False, expected, f"{len(found)} of them", found[max].t)
    odd = next((e for e in found if (flags, bytes) != (None, None) and not _has(e, flags, bytes)), None)
    if odd is not None:
        return Finding(False, expected, f"one with flags {odd['flags']} and {odd['bytes']} bytes", odd.t)
    if found and (min_ms is not None or max_ms is not None):
        took, at_most = found[0].t - since, found[0].t - (start.first if start else 0)
        if min_ms is not None and at_most < min_ms * MS - UNORDERED_NS:
            return Finding(False, expected, f"the first after {ms(at_most)}", found[0].t)
        if max_ms is not None and took > max_ms * trace.scale * MS:
            return Finding(False, expected, f"the first after {ms(took)}", found[0].t, margin_ms=_margin(trace, min_ms, max_ms))
        return Finding(True, expected, f"{len(found)} of them, the first after {ms(took)}")
    return Finding(True, expected, f"{len(found)} of them")


def _has(event: Event, flags: str | None, length: int | None) -> bool:
    return flags in (None, event["flags"]) and length in (None, event["bytes"])


def _margin(trace: Trace, min_ms: float | None, max_ms: float | None) -> float | None:
    return None if max_ms is None else max_ms * trace.scale - (min_ms or 0)


def _say(
    ev: str, side: str | None, least: int, most: int | None, after: str | None, before: str | None, min_ms: float | None,
    max_ms: float | None, flags: str | None, length: int | None,
) -> str:
    count = f"at least {least}" if most is None else f"{least} to {most}" if most else "no"
    words = [f"{count} {WORDS[ev]}"]
    words += [f"of the {side}'s"] if side else []
    words += [f"with flags {flags}"] if flags else []
    words += [f"of {length} bytes"] if length is not None else []
    words += [f'after "{after}"'] if after else []
    words += [f'before "{before}"'] if before else []
    words += [f"the first no sooner than {min_ms} ms"] if min_ms is not None else []
    words += [f"the first no later than {max_ms} ms"] if max_ms is not None else []
    return " ".join(words)
