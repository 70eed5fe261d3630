"""How many connections the server had open at a moment."""

from judge.trace import Finding, Mark, Trace


def check(
    trace: Trace, *, label: Mark, count: int | None = None, min: int | None = None, max: int | None = None,
    listener: str | None = None,
) -> Finding:
    """label: a label (its beginning) or a mark.  count: exactly so many open then; or min and/or max.  listener: of this
    server only."""
    least, most = (count, count) if count is not None else (min or 0, max)
    wanted = f"exactly {least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
    expected = f'{wanted} connections open at "{label}"'
    when = trace.moment(label)
    if when is None:
        return Finding(False, expected, f'"{label}" never happened', trace.end_t)
    found = trace.open_at(when.first, listener)
    ok = len(found) >= least and (most is None or len(found) <= most)
    seen = f"{len(found)} open" + (f": {', '.join(map(str, found))}" if found else "")
    return Finding(ok, expected, seen, when.first, found[-1] if found else None)
