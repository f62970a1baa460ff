"""The example `chaos`: orders are answered while prices fail, and the same ones are struck at each run."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/chaos/chaos.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_orders_are_answered_without_prices(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    template = example["deploy"]()
    assert set(example["order"](3)) == {"today"}
    struck = []
    for _ in range(2):
        experiment = example["start"](template)
        struck.append(example["order"](8))
        example["stop"](experiment)
        assert set(example["order"](3)) == {"today"}
    assert struck[0] == struck[1]
    assert set(struck[0]) == {"list", "today"}
