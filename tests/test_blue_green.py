"""The example `blue-green`: the stack's weights move the traffic from one version to the other."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/blue-green/shift.py"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_the_traffic_moves(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    outputs = example["deploy"](0)
    assert example["visit"](outputs["Name"], 4) == {"blue": 4}
    assert example["visit"](outputs["Name"], 1, **{"X-Tester": "yes"}) == {"green": 1}
    assert example["deploy"](25) == outputs
    assert example["visit"](outputs["Name"], 8) == {"blue": 6, "green": 2}
    example["deploy"](100)
    assert example["visit"](outputs["Name"], 4) == {"green": 4}
    elb = kumoi.client("elbv2")
    elb.get_waiter("target_in_service").wait(TargetGroupArn=outputs["Green"], WaiterConfig={"Delay": 1})
