"""Nothing is reused after its server sent FIN, RST or stray bytes, once the pool had time to see it."""

from judge.trace import Checkout, Event, Finding, Trace, ms
from judge.trace.event import MS

EVERY_TRACE = "trace/nothing-dirty-reused"
MARGIN_MS = 100  # for the network, the kernel and the pool's loop to notice; times --timeout-scale, plus the lag


def check(trace: Trace) -> Finding:
    """A checkout convicts that was asked for later than the margin after the fault; in load runs a request, since there
    each is a checkout. While a `block` holds the subject's thread, the pool has no time."""
    margin_ms = trace.margin_ms(MARGIN_MS)
    expected = f"no reuse later than {margin_ms:.0f} ms after the connection's FIN, RST or stray bytes"
    found = _load(trace, margin_ms) if trace.run else _steps(trace, margin_ms)
    if found is None:
        return Finding(True, expected, "none")
    t, conn, fault, late_ns = found
    return Finding(False, expected, f"connection {conn} was used again {ms(late_ns)} after its {fault}", t, conn)


def _steps(trace: Trace, margin_ms: float) -> tuple[int, int, str, int] | None:
    for checkout in trace.checkouts:
        if checkout.conn is None:
            continue
        before = [c for c in trace.checkouts if c.conn == checkout.conn and c.start.command.t < checkout.start.command.t]
        for fault in (e for e in trace.by_conn.get(checkout.conn, []) if _is_fault(e, before)):
            asked = checkout.start.command.t
            late_ns = asked - fault.t - trace.blocked_ns(fault.t, asked)
            if late_ns > margin_ms * MS:
                return asked, checkout.conn, fault.ev, late_ns
    return None


def _is_fault(event: Event, before: list[Checkout]) -> bool:
    """`before`: the connection's earlier users."""
    if event.ev in ("fin_sent", "rst_sent"):
        return True
    if event.ev == "response":  # one that comes when its user has given the connection back is stray data
        users = [c for c in before if c.checkin and c.checkin.ok and c.start.command.t < event.t]
        return bool(users) and users[-1].checkin.reply.t < event.t
    # An urgent byte is a clause of its own: pools are not bound to look for it.
    return event.ev == "stray" and event.get("what") != "urgent" and not any(_was_read(event, user) for user in before)


def _was_read(stray: Event, user: Checkout) -> bool:
    """Whether the connection's user took the bytes himself, with a receive of his own, before he gave it back."""
    return any(c.op == "receive" and c.ok and "." not in (c.label or "") and c.reply.t > stray.t for c in user.calls)


def _load(trace: Trace, margin_ms: float) -> tuple[int, int, str, int] | None:
    for conn, book in trace.books.items():
        first = book.get("first_after_fault_t")
        if book.get("fault") and first is not None and first - book["fault_t"] > margin_ms * MS:
            return first, conn, book["fault"], first - book["fault_t"]
    return None
