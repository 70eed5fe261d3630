"""What a command that takes long shows meanwhile, on a terminal."""

from __future__ import annotations

import sys


def progress(text: str) -> None:
    """The line on standard error that is overwritten, where that is a terminal; "" removes it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
