"""Every step of the script was answered as it should, but for those that a check is about."""

from judge.trace import Finding, Trace

EVERY_TRACE = "scenario/steps-answered"


def check(trace: Trace, *, judged: list[str] | None = None, watched: list[int] | None = None) -> Finding:
    """judged: labels whose answer a check of the scenario is about.  watched: connections likewise. (The judge fills both in.)
    Any other step whose answer is an error, that has none, or whose wait for the server was in vain, convicts."""
    expected = "every step answered"
    exempt = set(judged or [])
    for call in trace.calls:
        whole = (call.label or "").rpartition(".")[0]
        if {call.label, whole} & exempt or call.ok or call.op == "quit":
            continue
        if whole in trace.exchanges and call.reply is not None:
            continue  # the exchange's own end says so, below
        seen = f"{_name(call.label, call.op)}: " + (repr(call.reply.get("err")) if call.reply else "no answer")
        return Finding(False, expected, seen, call.reply.t if call.reply else call.command.t, trace.conn_of(call.label))
    for exchange in trace.exchanges.values():
        if not exchange["ok"] and not {exchange["label"], *_commands(trace, exchange["label"])} & exempt:
            seen = f'exchange "{exchange["label"]}" failed to {exchange.get("phase")}: {exchange.get("err")!r}'
            return Finding(False, expected, seen, exchange.t, trace.conn_of(exchange["label"]))
    for missed in trace.judge("act_missed"):
        if missed.conn not in set(watched or []):
            seen = f"connection {missed.conn} was closed before its server's {missed['do']}"
            return Finding(False, expected, seen, missed.t, missed.conn)
    for missed in trace.judge("await_missed"):
        if missed.conn not in set(watched or []):
            seen = f"the server never saw {missed['awaited']}"
            return Finding(False, expected, seen, missed.t, missed.conn, missed.get("within_ms"))
    return Finding(True, expected, f"{len(trace.calls)} commands")


def _commands(trace: Trace, label: str) -> set[str]:
    return {call.label for call in trace.labelled.get(label, []) if call.label}


def _name(label: str | None, op: str) -> str:
    return f'{op} "{label}"' if label else op
