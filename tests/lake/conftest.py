from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kumoi.lake import Table

LINES = Table(
    "lines",
    {"time": "BIGINT", "account": "VARCHAR", "region": "VARCHAR", "group": "VARCHAR", "message": "VARCHAR"},
    partition=("account", "region", "group"),
)


@pytest.fixture
def lines() -> Table:
    """A table as log lines need it."""
    return LINES


@pytest.fixture
def line() -> Callable[..., dict[str, Any]]:
    """A record of `lines`."""

    def make(
        time: int, message: str = "", *, group: str = "g", account: str = "1", region: str = "r"
    ) -> dict[str, Any]:
        return {"time": time, "account": account, "region": region, "group": group, "message": message}

    return make


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal after ten rows and at once, so that a test sees what else takes thousands, or a quiet moment."""
    monkeypatch.setattr("kumoi.lake.store.SEAL_ROWS", 10)
    monkeypatch.setattr("kumoi.lake.store.MOST_WAITING", 0)
