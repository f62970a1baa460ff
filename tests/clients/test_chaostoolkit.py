"""chaostoolkit and chaostoolkit-aws, unmodified: experiments end as their authors say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LAYER = "arn:aws:lambda:us-east-1:871265522301:layer:chaos-lambda-extension-x86_64-unknown-linux-gnu-release:12"


def activity(kind: str, name: str, **arguments: Any) -> dict[str, Any]:
    module, _, function = name.rpartition(".")
    provider = {"type": "python", "module": f"chaosaws.{module}", "func": function, "arguments": arguments}
    return {"type": kind, "name": function, "provider": provider}


@pytest.fixture
def chaos(kumoi: Any, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run an experiment; its journal."""
    command = Path(sys.executable).with_name("chaos")

    def run(method: list[Any], rollbacks: list[Any]) -> dict[str, Any]:
        probe = activity("probe", "awslambda.probes.get_function_timeout", function_name="f")
        experiment = {
            "title": "t",
            "description": "d",
            "steady-state-hypothesis": {"title": "h", "probes": [probe | {"tolerance": 3}]},
            "method": method,
            "rollbacks": rollbacks,
        }
        (tmp_path / "experiment.json").write_text(json.dumps(experiment))
        subprocess.run(
            [command, "--no-version-check", "run", "experiment.json", "--journal-path", "journal.json"],
            cwd=tmp_path,
            env={**os.environ, **kumoi.environment, "HOME": str(tmp_path)},
            check=False,
            timeout=600,
        )
        journal: dict[str, Any] = json.loads((tmp_path / "journal.json").read_text())
        return journal

    return run


@pytest.fixture
def function(kumoi: Any, zipped: Any) -> str:
    made = kumoi.client("lambda").create_function(
        FunctionName="f",
        Runtime=f"python3.{sys.version_info.minor}",
        Handler="app.handler",
        Role=f"arn:aws:iam::{kumoi.account}:role/worker",
        Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return 1\n"})},
    )
    return str(made["FunctionArn"])


def test_its_actions_break_and_its_rollbacks_put_right(kumoi: Any, chaos: Any, function: str) -> None:
    fis, functions = kumoi.client("fis"), kumoi.client("lambda")
    target = {"resourceType": "aws:lambda:function", "resourceArns": [function], "selectionMode": "ALL"}
    action = {
        "actionId": "aws:lambda:invocation-error",
        "parameters": {"duration": "PT5M", "preventExecution": "true"},
        "targets": {"Functions": "these"},
    }
    template = fis.create_experiment_template(
        description="d",
        stopConditions=[{"source": "none"}],
        targets={"these": target},
        actions={"fail": action},
        roleArn=f"arn:aws:iam::{kumoi.account}:role/chaos",
    )["experimentTemplate"]["id"]
    journal = chaos(
        [
            activity(
                "action", "awslambda.actions.put_function_concurrency", function_name="f", concurrent_executions=2
            ),
            activity("probe", "awslambda.probes.get_function_concurrency", function_name="f"),
            activity("action", "awslambda.actions.put_function_memory_size", function_name="f", memory_size=256),
            activity(
                "action", "awslambda.actions.add_latency", function_name="f", layer=LAYER, latency=1, probability=1
            ),
            activity("action", "fis.actions.start_experiment", experiment_template_id=template),
        ],
        [activity("action", "awslambda.actions.delete_function_concurrency", function_name="f")],
    )
    assert (journal["status"], journal["deviated"]) == ("completed", False)
    assert [one["status"] for one in journal["run"]] == ["succeeded"] * 5
    assert journal["run"][1]["output"] == 2
    assert "ReservedConcurrentExecutions" not in functions.get_function_concurrency(FunctionName="f")
    [running] = fis.list_experiments()["experiments"]
    deadline = time.monotonic() + 60
    while "FunctionError" not in functions.invoke(FunctionName="f"):
        assert time.monotonic() < deadline, "the experiment did not break the function"
    fis.stop_experiment(id=running["id"])
    while "FunctionError" in functions.invoke(FunctionName="f"):
        assert time.monotonic() < deadline, "the experiment was not stopped"
    began = time.monotonic()
    functions.invoke(FunctionName="f")
    assert time.monotonic() - began >= 1, "the latency that it added is there without its layer"


def test_a_hypothesis_that_no_longer_holds_is_a_deviation(chaos: Any, function: str) -> None:
    journal = chaos([activity("action", "awslambda.actions.put_function_timeout", function_name="f", timeout=9)], [])
    assert (journal["status"], journal["deviated"]) == ("completed", True)
