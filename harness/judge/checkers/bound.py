"""Whether the kernel let somebody listen where a server had."""

from judge.trace import Finding, Label, Trace


def check(trace: Trace, *, refused: list[Label], allowed: list[Label]) -> Finding:
    """refused: labels of `bind` steps that must have failed with EADDRINUSE.  allowed: of those that must have succeeded."""
    wanted = dict.fromkeys(refused, "EADDRINUSE") | dict.fromkeys(allowed)
    expected = ", ".join(f'"{label}" {"is refused: " + err if err else "is allowed"}' for label, err in wanted.items())
    tried = {e["label"]: e for e in trace.events if e.who == "kernel" and e.ev == "bound"}
    for label, err in wanted.items():
        if label not in tried:
            return Finding(False, expected, f'"{label}" was never tried', trace.end_t)
        if tried[label]["err"] != err:
            return Finding(False, expected, f'"{label}": {tried[label]["err"] or "allowed"}', tried[label].t)
    return Finding(True, expected, "so it was")
