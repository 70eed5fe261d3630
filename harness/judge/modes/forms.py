"""The forms that one load can take. Short connections come in two, since whoever closes first keeps the TIME_WAIT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PAUSE = 2  # times the server's idle timeout


@dataclass(frozen=True)
class Load:
    """How much of it, the same in every form. Exactly one of requests and duration_s."""

    users: int
    requests: int | None = None
    duration_s: float | None = None
    limit: int = 100  # requests of a connection in the keep-alive form
    idle_ms: float = 200  # after which the server closes one there
    pause_every: int | None = None  # so many of its requests, each user pauses for longer than that

    @property
    def pause_ms(self) -> float:
        return PAUSE * self.idle_ms

    def options(self) -> list[str]:
        """Of the load generator."""
        amount = ["-n", str(self.requests)] if self.requests else ["-d", f"{self.duration_s}s"]
        pauses = ["--pause", f"{self.pause_ms:g}ms/{self.pause_every}"] if self.pause_every else []
        return ["-t", "1", "-c", str(self.users), "--pool-size", str(self.users), *amount, *pauses, "--quiet"]


@dataclass(frozen=True)
class Form:
    key: str
    name: str
    about: str
    load: tuple[str, ...]  # options of the load generator
    limited: bool = False  # the server ends a connection after so many requests, or when it idles

    @property
    def pooled(self) -> bool:
        return "--idle-timeout" in self.load

    def behaviour(self, load: Load) -> dict[str, Any]:
        """Of the mock server."""
        return {"name": "close-after", "requests": load.limit, "idle_ms": load.idle_ms} if self.limited else {"name": "ok"}

    def directives(self, load: Load) -> dict[str, str]:
        """Of a real nginx: where it is not to end connections, neither by number nor by age nor by idling."""
        if self.limited:
            return {"keepalive_requests": str(load.limit), "keepalive_timeout": f"{load.idle_ms:g}ms"}
        return {"keepalive_requests": "1000000000", "keepalive_time": "24h", "keepalive_timeout": "1h"}


FORMS = (
    Form("short-server", "short, server closes", "a connection for each request; the server ends it, as it was asked to",
         ("--no-pool",)),
    Form("short-client", "short, client closes", "a connection for each request; the client ends it without a word",
         ("--close-first",)),
    Form("keep-alive", "keep-alive", "connections are used again until the server ends them, by its limit of requests or its idle timeout",
         ("--idle-timeout", "0"), limited=True),
    Form("long", "long", "connections are used again, and nobody ends them", ("--idle-timeout", "0")),
)  # fmt: skip
