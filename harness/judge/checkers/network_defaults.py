"""What the kernel does where nobody has set anything."""

from judge.trace import Finding, Trace


def check(trace: Trace, *, expect: dict) -> Finding:
    """expect: settings of a new network namespace, below net/ipv4, and their values ({tcp_keepalive_time = 7200})."""
    expected = ", ".join(f"{name} is {value}" for name, value in expect.items())
    made = next((e for e in trace.judge("network") if e["did"] == "made"), None)
    if made is None:
        return Finding(False, expected, "there was no network", trace.end_t)
    seen = ", ".join(f"{name} is {made.get(name)}" for name in expect)
    return Finding(all(made.get(name) == value for name, value in expect.items()), expected, seen, made.t)
