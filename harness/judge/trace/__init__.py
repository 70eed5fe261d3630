"""A kept run, read. This is all that a checker imports.

A trace is a list of events, one JSON object a line: what the server saw, what the subject answered, what the judge did. Here they
are joined: commands with their replies, tokens with the requests that the server saw, checkouts with the connection they got."""

from judge.trace.event import Bounds, Conn, Event, Expectation, Finding, Label, Mark, Moment, ms
from judge.trace.figures import compare
from judge.trace.idle import IdleSpan, idle_spans
from judge.trace.trace import Call, Checkout, Trace

__all__ = [
    "Bounds", "Call", "Checkout", "Conn", "Event", "Expectation", "Finding", "IdleSpan", "Label", "Mark", "Moment", "Trace",
    "compare", "idle_spans", "ms",
]
