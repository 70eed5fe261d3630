"""Everything that is said and seen in a run, in the order in which it was read, until it is kept as trace.jsonl."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from judge.errors import HarnessError
from judge.table import shown

Found = TypeVar("Found")


class Journal:
    """Filled by several threads, waited on by one."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.changed = threading.Condition()

    def add(self, event: dict[str, Any]) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def note(self, ev: str, **fields: Any) -> None:
        """The judge's own doing, stamped now: call it before the cause."""
        self.add({"t": time.monotonic_ns(), "who": "judge", "ev": ev, **fields})

    def wake(self) -> None:
        """Something that waiters may be looking for has changed outside of the journal."""
        with self.changed:
            self.changed.notify_all()

    def wait(self, look: Callable[[], Found | None], within_ms: float) -> Found | None:
        """What `look` finds, or None after the bound."""
        with self.changed:
            self.changed.wait_for(lambda: look() is not None, within_ms / 1000)
            return look()

    def save(self, path: Path) -> None:
        with self.changed:
            lines = [json.dumps(event, ensure_ascii=False) for event in sorted(self.events, key=lambda e: e["t"])]
        try:
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        except OSError as err:
            raise HarnessError(f"{shown(path)}: the trace cannot be kept: {err.strerror}") from None

