"""When connections were idle in a pool, as far as the wire and the script can tell; in doubt a span is shorter than it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from judge.trace.event import Event
from judge.trace.trace import GONE, Trace

DEFAULT_TIMEOUT_MS = 60_000
DEFAULT_SIZE = 30


@dataclass(frozen=True)
class IdleSpan:
    conn: int
    pool: str  # whose idle connections are counted together: a key, or a worker
    start: int
    end: int
    timeout_ms: float | None  # None: unlimited
    size: int


def idle_spans(trace: Trace) -> list[IdleSpan]:
    return list(_load_spans(trace) if trace.run else _step_spans(trace))


def _step_spans(trace: Trace) -> Iterator[IdleSpan]:
    """From a check-in that succeeded to the next checkout of that connection, its end, or the end of the script."""
    default_ms = trace.pool.get("idle_timeout_ms", DEFAULT_TIMEOUT_MS)
    sizes = _sizes(trace)
    for checkout in trace.checkouts:
        if checkout.checkin is None or not checkout.checkin.ok or checkout.conn is None:
            continue
        start = checkout.checkin.reply.t
        # A connect that had waited in line for it was asked for before, and is answered behind the check-in.
        later = [c.start for c in trace.checkouts if c.conn == checkout.conn and c.start.reply.t > start]
        nexts = [max(start, call.command.t) for call in later]
        gone = [e.t for e in trace.by_conn.get(checkout.conn, []) if e.ev in GONE]
        end = min([*nexts, *gone, trace.end_t])
        worker = checkout.start.command.get("worker", 0)
        timeout_ms = checkout.checkin.command.get("timeout_ms") if checkout.start.op == "connect" else None
        if not isinstance(timeout_ms, (int, float)):
            timeout_ms = default_ms
        if end > start:
            yield IdleSpan(checkout.conn, f"{checkout.key} in worker {worker}", start, end,
                           timeout_ms if timeout_ms > 0 else None, sizes[checkout.key])


def _sizes(trace: Trace) -> dict[str, int]:
    """The size of each pool. Whoever creates it fixes it, and it may be created again: the largest that was ever asked for."""
    default = trace.pool.get("max_idle", DEFAULT_SIZE)
    sizes: dict[str, int] = {}
    for checkout in trace.checkouts:
        for asked in (
            (checkout.start.command.get("options") or {}).get("pool_size"),
            checkout.checkin.command.get("size", default) if checkout.checkin else None,
        ):
            if isinstance(asked, (int, float)):
                sizes[checkout.key] = max(int(asked), sizes.get(checkout.key, 0))
    return {c.key: sizes.get(c.key) or default for c in trace.checkouts}


def _load_spans(trace: Trace) -> Iterator[IdleSpan]:
    """From a response to the next request of that connection or its end. Only the first requests are in the trace: what
    follows the last of them counts only where the books say that nothing did."""
    pool = trace.run["pool"]
    if not pool["enabled"]:
        return
    workers = {e["local_port"]: e["worker"] for e in trace.events if e.ev == "request_done"}
    one_worker = trace.run["workers"] == 1
    for conn, events in trace.by_conn.items():
        peer = next((e["peer"] for e in events if e.ev == "accepted"), None)
        worker = 0 if one_worker else workers.get(peer)
        size = pool["size"] if worker is not None else pool["size"] * trace.run["workers"]
        name = "all workers" if worker is None else f"worker {worker}"
        books = trace.books.get(conn)
        complete = books is not None and books["requests"] == sum(e.ev == "request" for e in events)
        for event, following in zip(events, [*events[1:], None], strict=True):
            if event.ev == "response" and event.get("keep"):
                end = _load_end(event, following, books if complete else None)
                if end is not None:
                    yield IdleSpan(conn, name, event.t, end, pool["idle_timeout_ms"] or None, size)


def _load_end(event: Event, following: Event | None, books: Event | None) -> int | None:
    if following is not None:
        return following.t if following.ev in GONE or following.ev == "request" else event.t
    return books["end_t"] if books is not None else None

