from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

RUNTIME = f"python3.{sys.version_info.minor}"
WAIT = {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}


@pytest.fixture
def client(kumoi: Any) -> Any:
    return kumoi.client("fis")


@pytest.fixture
def role(kumoi: Any) -> str:
    return f"arn:aws:iam::{kumoi.account}:role/chaos"


@pytest.fixture
def function(kumoi: Any, zipped: Any) -> Callable[..., str]:
    """A function that answers 1; its ARN."""

    def make(name: str = "f", **more: Any) -> str:
        made = kumoi.client("lambda").create_function(
            FunctionName=name,
            Runtime=RUNTIME,
            Handler="app.handler",
            Role=f"arn:aws:iam::{kumoi.account}:role/worker",
            Code={"ZipFile": zipped({"app.py": "def handler(event, context):\n    return 1\n"})},
            **more,
        )
        return str(made["FunctionArn"])

    return make


@pytest.fixture
def create(client: Any, role: str) -> Callable[..., dict[str, Any]]:
    """A template."""

    def make(**more: Any) -> dict[str, Any]:
        given = {"description": "d", "stopConditions": [{"source": "none"}], "actions": {"a": WAIT}, "roleArn": role}
        found: dict[str, Any] = client.create_experiment_template(**(given | more))["experimentTemplate"]
        return found

    return make


@pytest.fixture
def start(client: Any, create: Any, reached: Any) -> Callable[..., dict[str, Any]]:
    """An experiment of a new template, once it is no longer initiating."""

    def make(**more: Any) -> dict[str, Any]:
        made = client.start_experiment(experimentTemplateId=create(**more)["id"])["experiment"]
        assert made["state"]["status"] == "initiating"
        return dict(reached(made["id"], "running", "completed", "failed", "stopped"))

    return make


@pytest.fixture
def reached(client: Any) -> Callable[..., dict[str, Any]]:
    """An experiment once it has one of the states, and its actions are not about to begin."""

    def look(experiment: str, *states: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while True:
            found: dict[str, Any] = client.get_experiment(id=experiment)["experiment"]
            begun = any(one["state"]["status"] != "pending" for one in found["actions"].values())
            if found["state"]["status"] in states and begun:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.02)

    return look
