"""The example `reports`: forms that take in little and nothing else, totals, and reports that expire."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kumoi_clock

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/reports/reports.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # urllib3.request of the example keeps its connection
def test_reports_are_taken_in_summed_up_and_expire(
    kumoi: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    example = runpy.run_path(str(EXAMPLE))
    example["main"]()
    told = capsys.readouterr().out.splitlines()
    assert told[:4] == ["ann.csv 201", "bob.csv 201", "cid.csv 201", "too large 400"]
    assert [line.split(maxsplit=1) for line in told[4:]] == [["25", "Bern"], ["8", "Kyoto"], ["3", "Rio, de Janeiro"]]
    s3 = kumoi.client("s3")
    kumoi.advance("29d")
    assert sum(example["totals"](s3).values()) == 36
    kumoi.advance("2d")
    assert not example["totals"](s3)
