"""The forms that one load can take. Short connections come in two, since whoever closes first keeps the TIME_WAIT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Form:
    key: str
    name: str
    about: str
    load: tuple[str, ...]  # options of the load generator
    limited: bool = False  # the server ends a connection after so many requests

    def behaviours(self, limit: int) -> list[dict[str, Any]]:
        """Of the mock server."""
        return [{"name": "close-after", "requests": limit} if self.limited else {"name": "ok"}]

    def directives(self, limit: int) -> dict[str, str]:
        """Of a real nginx: where it is not to end connections, neither by number nor by age nor by idling."""
        if self.limited:
            return {"keepalive_requests": str(limit)}
        return {"keepalive_requests": "1000000000", "keepalive_time": "24h", "keepalive_timeout": "1h"}


FORMS = (
    Form("short-server", "short, server closes", "a connection for each request; the server ends it, as it was asked to",
         ("--no-pool",)),
    Form("short-client", "short, client closes", "a connection for each request; the client ends it without a word",
         ("--close-first",)),
    Form("keep-alive", "keep-alive", "connections are used again until the server ends them", ("--idle-timeout", "0"), limited=True),
    Form("long", "long", "connections are used again, and nobody ends them", ("--idle-timeout", "0")),
)  # fmt: skip
