"""Fixtures of more than one file."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from mock_server import Mock

signal.signal(signal.SIGINT, signal.default_int_handler)  # where a script runs the tests with &, what they start would not hear Ctrl-C


@pytest.fixture
def mock() -> Iterator[Mock]:
    """The mock server, steered; it has to leave cleanly."""
    with Mock() as server:
        yield server
