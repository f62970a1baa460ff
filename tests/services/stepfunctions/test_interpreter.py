"""The interpreter by itself: no platform, no store, a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import kumoi.services.stepfunctions.run as runs  # its package has a function of that name, too
from kumoi.services.stepfunctions.interpreter import Interpreter
from kumoi.services.stepfunctions.language.definition import compile_machine
from kumoi.services.stepfunctions.records import ExecutionRecord

SYNC = "arn:aws:states:::states:startExecution.sync"
ACTIVITY = "arn:aws:states:us-east-1:000000000000:activity:work"


def begun(**state: Any) -> Interpreter:
    """An execution of a machine of one state, as far as it goes by itself."""
    text = json.dumps({"StartAt": "A", "States": {"A": {**state, "End": True}}})
    execution = ExecutionRecord(
        machine="m",
        name="one",
        arn="arn:aws:states:us-east-1:000000000000:execution:m:one",
        express=False,
        hash="",
        role="",
        input="{}",
        status="RUNNING",
        started=0.0,
    )
    interpreter = Interpreter(runs.Run(execution, compile_machine(text)), lambda: 0.0, "us-east-1")
    interpreter.begin()
    while interpreter.run.ready:
        interpreter.step()
    return interpreter


@pytest.mark.parametrize(
    ("resource", "happens"),
    [
        (SYNC, lambda one, scheduled: one.submitted(0, scheduled, {}, "job")),
        (ACTIVITY, lambda one, scheduled: one.taken(0, scheduled, None)),
    ],
    ids=["submitted", "taken"],
)
def test_whatever_fills_the_history_fails_the_execution(
    monkeypatch: pytest.MonkeyPatch, resource: str, happens: Callable[[Interpreter, int], None]
) -> None:
    one = begun(Type="Task", Resource=resource, Parameters={"StateMachineArn": "inner"})
    monkeypatch.setattr(runs, "MAX_EVENTS", one.run.last + 1)
    happens(one, one.run.frames[0].scheduled)
    assert (one.run.execution.status, one.run.execution.error) == ("FAILED", "States.Runtime")
