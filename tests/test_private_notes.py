"""The example `private-notes`: a function without a way to its table is warned of, until it has an endpoint."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/private-notes/notes.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_an_endpoint_makes_the_difference(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    example["deploy"]("create", endpoint="no")
    assert example["keep"]("n1", "cake")["text"] == "cake"
    assert "calls to dynamodb would hang" in example["warning"]()
    example["deploy"]("update", endpoint="yes")
    assert example["keep"]("n2", "tea")["text"] == "tea"
    assert example["warning"]() == ""
