"""The example `daily-load`: a table's capacity follows the morning of a day."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/daily-load/load.py"


@pytest.mark.kumoi_clock
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_a_table_follows_the_day(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    table = example["deploy"]()
    assert example["capacity"](table) == (2, 2)
    example["until_midnight"]()
    example["advance"](7 * 3600)
    assert example["hours"](table, 7, 10) == [(7, 2, 2, 4), (8, 2, 20, 4), (9, 8, 20, 16)]
