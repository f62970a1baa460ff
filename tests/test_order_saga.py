"""The example `order-saga`: orders are placed, or all that was done for them is undone."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/order-saga/saga.py"


@pytest.fixture
def saga(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The example's functions, pointed at the test's account."""
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(EXAMPLE))


def test_orders_are_placed_or_undone(saga: dict[str, Any]) -> None:
    machine = saga["deploy"]()
    small = saga["outcome"](saga["place"](machine, "small", 20))
    assert small == {"order": "small", "status": "placed", "charge": "charge-small"}
    assert saga["available"]() == 1
    refused = saga["place"](machine, "refused", 500)
    saga["approve"](False)
    assert saga["outcome"](refused) == {"order": "refused", "status": "rejected", "reason": "NotApproved"}
    stolen = saga["outcome"](saga["place"](machine, "stolen", 20, card="stolen"))
    assert stolen == {"order": "stolen", "status": "rejected", "reason": "CardRefused"}
    assert saga["available"]() == 1
    large = saga["place"](machine, "large", 500)
    saga["approve"](True)
    assert saga["outcome"](large)["status"] == "placed"
    late = saga["outcome"](saga["place"](machine, "late", 20))
    assert late == {"order": "late", "status": "rejected", "reason": "out of stock"}
