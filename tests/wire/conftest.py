from __future__ import annotations

from collections.abc import Callable

import pytest

from kumoi.wire import Wire
from kumoi.wire.checksums import checksum, encoded


@pytest.fixture(scope="session")
def wire() -> Wire:
    """Every service's codec, compiled at its first use."""
    return Wire()


@pytest.fixture(scope="session")
def stated() -> Callable[[str, bytes], str]:
    """A checksum as a client states it: base64 of the checksum `name` of some content."""

    def state(name: str, content: bytes) -> str:
        running = checksum(name)
        running.update(content)
        return encoded(running.digest())

    return state
