"""`kumoi sfn`, and its lint."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from kumoi.cli.sfn import command, lines
from kumoi.services.stepfunctions.language.linting import lint


def only(**state: Any) -> str:
    return json.dumps({"StartAt": "A", "States": {"A": {"End": True, **state}, "B": {"Type": "Succeed"}}})


WAITING = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "B"}]


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        (only(Type="Task", Resource="arn:aws:states:::sqs:sendMessage", Catch=CATCH), "CATCH_LOSES_INPUT"),
        (
            only(Type="Task", Resource="arn:aws:states:::sqs:sendMessage", Catch=CATCH, Retry=[{"ErrorEquals": ["A"]}]),
            "RETRY_WITHOUT_JITTER",
        ),
        (only(Type="Task", Resource=WAITING, Catch=CATCH), "WAIT_WITHOUT_END"),
        (only(Type="Task", Resource=WAITING, Catch=CATCH), "TOKEN_NOT_HANDED_OUT"),
        (only(Type="Task", Resource="arn:aws:states:::lambda:invoke", Catch=CATCH), "LAMBDA_WITHOUT_RETRY"),
        (only(Type="Parallel", Assign={"x": 1}, Catch=CATCH, Branches=[
            {"StartAt": "C", "States": {"C": {"Type": "Succeed"}}}]), "UNUSED_VARIABLE"),
        ("{}", "SCHEMA_VALIDATION_FAILED"),
    ],
)  # fmt: skip
def test_lint(definition: str, code: str) -> None:
    assert code in [one.code for one in lint(definition)]


def test_a_history_as_lines() -> None:
    events = [
        {"id": 1, "type": "MapIterationStarted", "mapIterationStartedEventDetails": {"name": "M", "index": 0}},
        {"id": 2, "type": "TaskFailed", "taskFailedEventDetails": {"resource": "invoke", "error": "E", "cause": "why"}},
    ]
    assert list(lines(events)) == ["    1  · MapIterationStarted  M 0", "    2    ✗ TaskFailed  invoke E: why"]


def test_retries_and_causes_as_lines() -> None:
    error = {"errorType": "E", "errorMessage": "no", "stackTrace": ["  File x, line 1\n    f()\n"]}
    events = [
        {"id": 3, "previousEventId": 2, "type": "TaskScheduled", "taskScheduledEventDetails": {"resource": "invoke"}},
        {"id": 4, "previousEventId": 3, "type": "TaskStarted", "taskStartedEventDetails": {"resource": "invoke"}},
        {"id": 5, "previousEventId": 4, "type": "TaskFailed", "taskFailedEventDetails": {"cause": json.dumps(error)}},
        {"id": 6, "previousEventId": 5, "type": "TaskScheduled", "taskScheduledEventDetails": {"resource": "invoke"}},
        {"id": 7, "previousEventId": 6, "type": "TaskSucceeded", "taskSucceededEventDetails": {"resource": "invoke"}},
        {"id": 8, "previousEventId": 7, "type": "TaskStateExited", "stateExitedEventDetails": {"name": "A"}},
        {"id": 9, "previousEventId": 8, "type": "TaskScheduled", "taskScheduledEventDetails": {"resource": "invoke"}},
    ]
    told = list(lines(events))
    assert told[3:6] == ["         E: no", "           File x, line 1", "             f()"]
    assert told[6] == "    6  · TaskScheduled  retry 1  invoke"
    assert told[-1] == "    9  · TaskScheduled  invoke"


def test_the_command(states: Any, kumoi: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kumoi.cli.sfn.client", lambda service, _data: kumoi.client(service))
    arn = states.create({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}, name="m")
    failing = states.create({"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "E"}}}, name="f")
    runner = CliRunner()
    ran = runner.invoke(command, ["run", "m", "--input", '{"a": 1}', "--show"])
    assert ran.stdout.strip() == '{"a":1}'
    assert "PassStateEntered  A input" in ran.stderr
    failed = runner.invoke(command, ["run", failing])
    assert failed.exit_code == 1
    assert "FailStateEntered" in failed.stderr
    each = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}
    states.create({"StartAt": "A", "States": {"A": {"Type": "Map", "ItemProcessor": each, "End": True}}}, name="each")
    mapped = runner.invoke(command, ["run", "each", "--input", "[1, 2, 3]"])
    assert "3 of 3 items" in mapped.stderr
    assert "MapIterationStarted" not in mapped.stderr
    assert runner.invoke(command, ["run", "nobody"]).exit_code == 1
    (execution,) = states.client.list_executions(stateMachineArn=arn)["executions"]
    assert "SUCCEEDED" in runner.invoke(command, ["show", execution["executionArn"]]).stdout
