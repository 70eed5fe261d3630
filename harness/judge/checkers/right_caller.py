"""No response reaches the wrong caller: each carries the token of the request that it answers."""

from collections.abc import Iterator

from judge.trace import Checkout, Finding, Trace
from judge.trace.trace import TOKEN

EVERY_TRACE = "trace/right-caller"


def check(trace: Trace) -> Finding:
    """Of steps: every whole response must carry its own request's token, and what a user receives piecemeal no token but
    those that were sent during the same checkout. Of load runs: by the load generator's own comparison, and the server's
    events of the first requests."""
    expected = "every response answers its caller's request"
    return _load(trace, expected) if trace.run else _steps(trace, expected)


def _steps(trace: Trace, expected: str) -> Finding:
    count = 0
    for exchange in trace.exchanges.values():
        if exchange.get("status") is None or not exchange.get("token"):
            continue
        count += 1
        if exchange["token"] not in TOKEN.findall(exchange.get("body") or ""):
            got = f"{exchange['status']} {exchange.get('body', '')[:80]!r}"
            seen = f'"{exchange["label"]}" asked for t/{exchange["token"]} and got {got}'
            return Finding(False, expected, seen, exchange.t, trace.conn_of(exchange["label"]))
    for checkout in trace.checkouts:
        for token, t in _foreign(checkout):
            return Finding(False, expected, f"t/{token}, which was asked for by somebody else", t, checkout.conn)
    return Finding(True, expected, f"{count} responses, each its caller's")


def _foreign(checkout: Checkout) -> Iterator[tuple[str, int]]:
    asked: set[str] = set()
    for call in checkout.calls:
        asked.update(TOKEN.findall(str(call.command.get("data", "")) + str(call.command.get("url", ""))))
        data = str(call.reply.get("data") or call.reply.get("body") or "") if call.reply else ""
        for token in TOKEN.findall(data):
            if token not in asked:
                yield token, call.reply.t


def _load(trace: Trace, expected: str) -> Finding:
    wrong = trace.run["wrong_caller"]
    for done in (e for e in trace.events if e.ev == "request_done" and e.get("ok") and e.get("conn")):
        served = {e.conn for e in trace.requests.get(done["token"], [])}
        if served and done["conn"] not in served:
            seen = f"t/{done['token']} was served by connection {served}, its answer came from {done['conn']}"
            return Finding(False, expected, seen, done.t, done["conn"])
    if not trace.run.get("token_checked", True):
        return Finding(True, expected, "not to be told: the server's answers name no request")
    seen = f"{wrong} of {trace.run['requests']} to the wrong caller"
    return Finding(wrong == 0, expected, seen, trace.end_t if wrong else None)
