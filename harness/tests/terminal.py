"""Tests that need a pseudo-terminal: a bare chroot without /dev/pts has none to give."""

from __future__ import annotations

import os

import pytest


def has_terminals() -> bool:
    try:
        for end in os.openpty():
            os.close(end)
    except OSError:
        return False
    return True


needs_terminal = pytest.mark.skipif(not has_terminals(), reason="this system gives no pseudo-terminals (/dev/pts is not mounted)")
