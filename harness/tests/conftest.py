"""Fixtures of more than one file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mock_server import Mock


@pytest.fixture
def mock() -> Iterator[Mock]:
    """The mock server, steered; it has to leave cleanly."""
    with Mock() as server:
        yield server
