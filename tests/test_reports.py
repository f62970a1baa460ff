"""The example `reports`: forms that take in little and nothing else, totals, and reports that expire."""

from __future__ import annotations

import json
import os
import runpy
import urllib.request
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/reports/reports.py"


def advance(url: str, days: int) -> None:
    asked = json.dumps({"action": "advance", "seconds": days * 86_400}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/_kumoi/clock", asked), timeout=60) as answer:
        assert answer.status == 200


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # urllib3.request of the example keeps its connection
def test_reports_are_taken_in_summed_up_and_expire(
    killable: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    wanted = {"ENDPOINT_URL": killable.url, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}
    for name, value in {**wanted, "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    killable.start()
    example = runpy.run_path(str(EXAMPLE))
    example["main"]()
    told = capsys.readouterr().out.splitlines()
    assert told[:4] == ["ann.csv 201", "bob.csv 201", "cid.csv 201", "too large 400"]
    assert [line.split(maxsplit=1) for line in told[4:]] == [["25", "Bern"], ["8", "Kyoto"], ["3", "Rio, de Janeiro"]]
    s3 = killable.client("s3")
    advance(killable.url, 29)
    assert sum(example["totals"](s3).values()) == 36
    advance(killable.url, 2)
    assert not example["totals"](s3)
