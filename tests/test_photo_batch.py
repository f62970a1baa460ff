"""The example `photo-batch`: a CSV list in batches, some of which may fail."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/photo-batch/photo_batch.py"


def test_a_batch_of_photos(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    example = runpy.run_path(str(EXAMPLE))
    bucket = f"photos-{kumoi.account}"
    rows = [f"{number}.jpg,4000,3000" for number in range(24)] + ["broken.jpg,?,?"]
    result = example["run"](example["deploy"](bucket, rows), bucket)
    assert (result["succeeded"], result["failed"]) == (20, 5)
    assert result["photos"] == [{"name": f"{number}.jpg", "size": [1000, 750]} for number in range(20)]
