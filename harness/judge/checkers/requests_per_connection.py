"""How many requests each connection carried, by the server's books."""

from judge.trace import Finding, Trace


def check(trace: Trace, *, min: int = 0, max: int) -> Finding:
    """min, max: requests on each connection that the server accepted; min does not bind connections that were open at the end."""
    expected = f"{min} to {max} requests on each connection"
    if not trace.books:
        return Finding(False, expected, "the server left no books of connections", trace.end_t)
    for conn, book in trace.books.items():
        ended_by_server = book["end"] in ("fin_sent", "rst_sent")
        if book["requests"] > max or (ended_by_server and book["requests"] < min):
            return Finding(False, expected, f"{book['requests']} on connection {conn}", book["last_request_t"], conn)
    return Finding(True, expected, f"at most {_most(trace)} on {len(trace.books)} connections")


def _most(trace: Trace) -> int:
    return sorted(book["requests"] for book in trace.books.values())[-1]
