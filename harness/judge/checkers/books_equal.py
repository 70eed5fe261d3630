"""The books of client and server are equal."""

from judge.trace import Finding, Trace

EVERY_TRACE = "trace/books-equal"


def check(trace: Trace) -> Finding:
    """Of steps: every answer that the client has was sent by a server, and the servers accepted as many connections as the
    client opened. Of load runs: requests, answers and connections by the load generator's count and by the server's;
    where requests failed, the difference must be within those that did."""
    if trace.begin.get("real"):
        return Finding(True, "equal books", "a real server keeps none")
    if trace.sweep:
        return _sweep(trace)
    return _load(trace) if trace.run else _steps(trace)


def _steps(trace: Trace) -> Finding:
    expected = "what the client got, a server sent; what the client opened, a server accepted"
    for exchange in trace.exchanges.values():
        if exchange["ok"] and exchange.get("token") and not _answered(trace, exchange["token"]):
            seen = f'"{exchange["label"]}" has an answer that no server sent'
            return Finding(False, expected, seen, exchange.t, trace.conn_of(exchange["label"]))
    connects = [call for call in trace.calls if call.op == "connect"]
    if any(call.op == "request" for call in trace.calls) or not all("reused" in c.reply for c in connects if c.ok):
        return Finding(True, expected, f"{len(trace.exchanges)} exchanges; connections are not the subject's to tell")
    opened = sum(call.ok and call.reply["reused"] == 0 for call in connects)
    doubtful = sum(not call.ok for call in connects)
    accepted = sum(e.ev == "accepted" for e in trace.events)  # to the very end: the server may accept after the client is done
    queued = sum(e["connections"] for e in trace.events if e.ev == "abandoned")  # in the queue of a listener that went
    seen = f"{opened} opened" + (f" (and {doubtful} connects without success)" if doubtful else "") + f", {accepted} accepted"
    seen += f", {queued} left in the queue" if queued else ""
    return Finding(opened <= accepted + queued <= opened + doubtful, expected, seen, trace.end_t)


def _answered(trace: Trace, token: str) -> bool:
    return any(
        sent["req"] == request["req"]
        for request in trace.requests.get(token, [])
        for sent in trace.by_conn[request.conn]
        if sent.ev == "response"
    )


def _sweep(trace: Trace) -> Finding:
    """A pair opens one connection, and another where the second request went over a new one."""
    samples, lost = trace.sweep["samples"], trace.sweep["lost"]
    opened = len(samples) + sum(one["outcome"] == "new" for one in samples)
    slack = lost + sum(one["outcome"] == "failed" for one in samples)  # which may have failed on a new one
    accepted = sum(books["accepted"] for books in trace.listeners.values())
    expected = f"connections: {opened}" + (f" to {opened + slack}" if slack else "")
    return Finding(opened <= accepted <= opened + slack, expected, f"connections: {accepted}", trace.end_t)


def _load(trace: Trace) -> Finding:
    run = trace.run
    total = {key: sum(books[key] for books in trace.listeners.values()) for key in ("accepted", "requests", "responses")}
    lost = run["failed"] + run.get("unfinished", 0)
    not_connected = sum(error["count"] for error in run.get("errors", []) if error["phase"] == "connect")
    rows = [
        ("connections", run["connections_opened"], total["accepted"], not_connected),
        ("requests", run["requests"] - lost, total["requests"], lost),
        ("answers", run["ok"], total["responses"], lost),
    ]
    expected = "; ".join(f"{name}: {least}" + (f" to {least + slack}" if slack else "") for name, least, _, slack in rows)
    seen = "; ".join(f"{name}: {count}" for name, _, count, _ in rows)
    return Finding(all(least <= count <= least + slack for _, least, count, slack in rows), expected, seen, trace.end_t)
