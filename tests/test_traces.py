"""The example `traces`: what an application did is read from X-Ray alone."""

from __future__ import annotations

import os
import runpy
import time
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent / "examples/traces/traces.py"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # boto3.client of the example has no close
def test_an_application_is_traced(kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in kumoi.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # which remembers another test's account
    example = runpy.run_path(str(EXAMPLE))
    url = example["deploy"]()
    assert [example["order"](url, pieces) for pieces in (1, 11)] == [202, 502]
    expected = {
        "traces/Prod (AWS::ApiGateway::Stage) -> checkout (AWS::Lambda): 2",
        "checkout (AWS::Lambda) -> checkout (AWS::Lambda::Function): 2",
        "checkout (AWS::Lambda::Function) -> packing (AWS::Lambda): 1",
        "packing (AWS::Lambda) -> packing (AWS::Lambda::Function): 1",
        "traces/Prod (client) -> traces/Prod (AWS::ApiGateway::Stage): 2",
    }
    deadline = time.monotonic() + 60
    while set(found := example["graph"]()) != expected:  # segments come when they are done, in no order
        assert time.monotonic() < deadline, found
    (failed,) = example["traces"]('group.name = "failed"')
    exceptions = failed["FaultRootCauses"][0]["Services"][-1]["EntityPath"][-1]["Exceptions"]
    assert exceptions == [{"Name": "ValueError", "Message": "nobody carries more than ten pieces"}]
