"""What the kernel said of both ends of a connection: TIME_WAIT and CLOSE_WAIT are seen by no program."""

from judge.trace import Finding, Label, Trace


def check(trace: Trace, *, of: list[Label], client: str | None = None, server: str | None = None) -> Finding:
    """of: labels of `states` steps.  client, server: the state that each end must be in ("CLOSED": in no table any more)."""
    wanted = {side: state for side, state in (("client", client), ("server", server)) if state}
    expected = " and ".join(f"the {side}'s end in {state}" for side, state in wanted.items())
    seen = []
    for label in of:
        found = next((e for e in trace.events if e.who == "kernel" and e.ev == "states" and e.get("label") == label), None)
        if found is None:
            return Finding(False, expected, f'"{label}": there was no such connection', trace.end_t)
        seen.append(f'"{label}": client {found["client"]}, server {found["server"]}')
        if any(found[side] != state for side, state in wanted.items()):
            return Finding(False, expected, seen[-1], found.t, found.conn)
    return Finding(True, expected, "; ".join(seen))
