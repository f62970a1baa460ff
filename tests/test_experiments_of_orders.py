"""The example `orders` under its experiment: the careless variant loses and counts twice, the careful one does not."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

ORDERS = Path(__file__).resolve().parent.parent / "examples/orders"


@pytest.mark.kumoi_clock
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
@pytest.mark.parametrize("variant", ["functions", "careless"])
def test_the_experiment_finds_what_is_careless(
    kumoi: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variant: str
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    example = runpy.run_path(str(ORDERS / "orders.py"))
    example["deploy"](variant)
    reports = {kind: tmp_path / f"report.{kind}" for kind in ("json", "html", "junit")}
    command = [sys.executable, "-m", "kumoi", "break", str(ORDERS / "experiment.yaml"), "--account", kumoi.account]
    for kind, path in reports.items():
        command += [f"--{kind}", str(path)]
    environment = {**os.environ, "KUMOI_URL": kumoi.url, "KUMOI_DATA": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    report = json.loads(reports["json"].read_text())
    suite = ElementTree.parse(reports["junit"]).getroot()
    assert "<h1>Each order" in reports["html"].read_text()
    assert report["requests"] == report["accepted"] == 20
    denied, throttled, twice = (one["struck"] for one in report["faults"])
    assert (denied, throttled) == (3, 3) and twice >= 1, "every fault met the application"
    if variant == "functions":
        assert (done.returncode, report["verdict"]) == (0, "passed"), done.stdout
        assert (report["lost"], report["duplicated"], report["dead_letters"]) == (0, 0, {})
        assert any(layer.startswith("SDK in lambda:orders-Api") for layer in report["retries"])
        assert suite.get("failures") == "0"
        assert 0 < report["added_usd"] < 0.01, "what was done again has its price"
    else:
        assert (done.returncode, report["verdict"]) == (1, "failed"), done.stdout
        assert report["lost"] == 3, "what the worker swallowed is gone"
        broken = {check["title"] for check in report["invariants"] if not check["held"]}
        assert "the totals count each order once" in broken
        assert int(suite.get("failures") or 0) >= 2
