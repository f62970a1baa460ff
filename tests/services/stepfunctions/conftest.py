"""Machines that are made, run and read in one line."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/states"


class StateMachines:
    """Step Functions in a test's account."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._numbers = itertools.count(1)

    def create(self, definition: dict[str, Any], **given: Any) -> str:
        """Make a machine; its ARN."""
        given = {"name": f"machine-{next(self._numbers)}", "roleArn": ROLE, **given}
        arn: str = self.client.create_state_machine(definition=json.dumps(definition), **given)["stateMachineArn"]
        return arn

    def start(self, machine: str, given: Any = None, **more: Any) -> str:
        """Start an execution; its ARN."""
        text = json.dumps({} if given is None else given)
        arn: str = self.client.start_execution(stateMachineArn=machine, input=text, **more)["executionArn"]
        return arn

    def ended(self, execution: str) -> dict[str, Any]:
        """An execution once it has ended."""
        deadline = time.monotonic() + 60
        while True:
            found: dict[str, Any] = self.client.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
            assert time.monotonic() < deadline, f"{execution} still runs: {self.events(execution)}"
            time.sleep(0.005)

    def run(self, definition: dict[str, Any], given: Any = None, **more: Any) -> dict[str, Any]:
        """Make a machine, run it, and answer what it came to."""
        return self.ended(self.start(self.create(definition, **more), given))

    def output(self, definition: dict[str, Any], given: Any = None) -> Any:
        """What a machine answers; it must succeed."""
        ended = self.run(definition, given)
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def events(self, execution: str) -> list[dict[str, Any]]:
        """The history."""
        found: list[dict[str, Any]] = self.client.get_execution_history(executionArn=execution)["events"]
        return found

    def trail(self, execution: str) -> list[str]:
        """The history as `id:type(previous)`."""
        return [f"{one['id']}:{one['type']}({one['previousEventId']})" for one in self.events(execution)]

    def until(self, execution: str, kind: str) -> dict[str, Any]:
        """The first event of a type, once there is one."""
        deadline = time.monotonic() + 60
        while True:
            for event in self.events(execution):
                if event["type"] == kind:
                    return event
            assert time.monotonic() < deadline, f"no {kind} in {self.trail(execution)}"
            time.sleep(0.005)


@pytest.fixture
def states(kumoi: Any) -> StateMachines:
    """Step Functions in the test's account."""
    return StateMachines(kumoi.client("stepfunctions"))


@pytest.fixture
def machines_of() -> Callable[[Any], StateMachines]:
    """Step Functions by a client of the test's own."""
    return StateMachines
