"""How often the server got one request: a client that tries again on its own sends it twice."""

from judge.trace import Finding, Label, Trace


def check(trace: Trace, *, of: Label, count: int = 1) -> Finding:
    """of: the label of an exchange, a send or a request.  count: how often its token arrived at a server."""
    expected = f'the request of "{of}" arrives {count} times'
    tokens = {call.command["token"] for call in trace.labelled.get(of, []) if "token" in call.command}
    if not tokens:
        return Finding(False, expected, f'"{of}" sent no request', trace.end_t)
    found = [request for token in sorted(tokens) for request in trace.requests.get(token, [])]
    where = ", ".join(f"connection {e.conn} request {e['req']}" for e in found)
    seen = f"{len(found)} times" + (f": {where}" if where else "")
    return Finding(len(found) == count, expected, seen, found[-1].t if found else trace.end_t, found[-1].conn if found else None)
