"""Waits, retries, time-outs and heartbeats, on a clock that the test moves."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

pytestmark = pytest.mark.kumoi_clock


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def callback(queue: str, **fields: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody": {"t.$": "$$.Task.Token"}},
        "End": True,
        **fields,
    }


@pytest.fixture
def queue(kumoi: Any) -> str:
    return str(kumoi.client("sqs").create_queue(QueueName="q")["QueueUrl"])


def test_waits(states: Any, kumoi: Any) -> None:
    steps = machine(
        A={"Type": "Wait", "Seconds": 3600, "Next": "B"},
        B={"Type": "Wait", "SecondsPath": "$.s", "Next": "C"},
        C={"Type": "Wait", "Timestamp": "2020-01-01T00:00:00Z", "End": True},
    )
    execution = states.start(states.create(steps), {"s": 1800})
    kumoi.advance(3500)
    assert states.client.describe_execution(executionArn=execution)["status"] == "RUNNING"
    kumoi.advance(1930)
    ended = states.client.describe_execution(executionArn=execution)
    assert ended["status"] == "SUCCEEDED"
    assert 5400 <= (ended["stopDate"] - ended["startDate"]).total_seconds() < 5460  # real time goes on as well


def test_back_off(states: Any, kumoi: Any) -> None:
    retry = [{"ErrorEquals": ["Lambda.ResourceNotFoundException"], "IntervalSeconds": 10, "MaxAttempts": 2}]
    steps = machine(
        A={
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "none", "Payload": {"attempt.$": "$$.State.RetryCount"}},
            "Retry": retry,
            "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "B", "ResultPath": "$.e"}],
            "End": True,
        },
        B={"Type": "Pass", "End": True},
    )
    execution = states.start(states.create(steps), {"x": 1})
    states.until(execution, "TaskFailed")
    kumoi.advance(60)
    ended = states.client.describe_execution(executionArn=execution)
    assert json.loads(ended["output"])["e"]["Error"] == "Lambda.ResourceNotFoundException"
    assert states.trail(execution)[2:12] == [
        "3:TaskScheduled(2)",
        "4:TaskStarted(3)",
        "5:TaskFailed(4)",
        "6:TaskScheduled(5)",
        "7:TaskStarted(6)",
        "8:TaskFailed(7)",
        "9:TaskScheduled(8)",
        "10:TaskStarted(9)",
        "11:TaskFailed(10)",
        "12:TaskStateExited(11)",
    ]
    events = states.events(execution)
    scheduled = [one for one in events if one["type"] == "TaskScheduled"]
    gaps = [
        (later["timestamp"] - one["timestamp"]).total_seconds()
        for one, later in itertools.pairwise(events)
        if one["type"] == "TaskFailed" and later["type"] == "TaskScheduled"
    ]
    first, second = gaps
    assert 10 <= first < 20 <= second < 30
    attempts = [json.loads(one["taskScheduledEventDetails"]["parameters"])["Payload"] for one in scheduled]
    assert attempts == [{"attempt": 0}, {"attempt": 1}, {"attempt": 2}]


def test_time_outs_and_heartbeats(states: Any, kumoi: Any, queue: str) -> None:
    timed = states.start(states.create(machine(A=callback(queue, TimeoutSeconds=60))))
    beating = states.start(states.create(machine(A=callback(queue, TimeoutSeconds=600, HeartbeatSeconds=50))))
    for one in (timed, beating):
        states.until(one, "TaskSubmitted")
    sqs = kumoi.client("sqs")
    found = [
        m for _ in range(2) for m in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    ]
    tokens = [json.loads(one["Body"])["t"] for one in found]
    assert len(tokens) == 2
    kumoi.advance(40)
    for token in tokens:
        states.client.send_task_heartbeat(taskToken=token)
    kumoi.advance(30)
    assert states.client.describe_execution(executionArn=timed)["error"] == "States.Timeout"
    assert states.trail(timed)[-2:] == ["6:TaskTimedOut(5)", "7:ExecutionFailed(6)"]
    assert states.client.describe_execution(executionArn=beating)["status"] == "RUNNING"
    kumoi.advance(30)
    assert states.client.describe_execution(executionArn=beating)["error"] == "States.Timeout"


def test_a_machine_times_out(states: Any, kumoi: Any) -> None:
    slow = {"TimeoutSeconds": 30, **machine(A={"Type": "Wait", "Seconds": 60, "End": True})}
    execution = states.start(states.create(slow))
    kumoi.advance(31)
    assert states.client.describe_execution(executionArn=execution)["status"] == "TIMED_OUT"
    assert states.trail(execution)[-1] == "3:ExecutionTimedOut(2)"


def test_a_failing_branch_aborts_the_others(states: Any, kumoi: Any, queue: str) -> None:
    steps = machine(
        A={
            "Type": "Parallel",
            "End": True,
            "Branches": [
                machine(B=callback(queue)),
                machine(C={"Type": "Wait", "Seconds": 5, "Next": "D"}, D={"Type": "Fail", "Error": "Bad"}),
            ],
        }
    )
    execution = states.start(states.create(steps))
    states.until(execution, "TaskSubmitted")
    kumoi.advance(6)
    assert states.client.describe_execution(executionArn=execution)["error"] == "Bad"
    trail = states.trail(execution)
    fail = next(one for one in trail if "FailStateEntered" in one).split(":")[0]
    assert [one.split(":")[1] for one in trail[-3:]] == [
        f"TaskStateAborted({fail})",
        f"ParallelStateFailed({fail})",
        f"ExecutionFailed({int(fail) + 2})",
    ]


def test_a_map_keeps_to_its_concurrency(states: Any, kumoi: Any) -> None:
    steps = machine(
        A={
            "Type": "Map",
            "MaxConcurrency": 2,
            "End": True,
            "ItemProcessor": machine(B={"Type": "Wait", "Seconds": 60, "End": True}),
        }
    )
    execution = states.start(states.create(steps), [1, 2, 3, 4, 5])
    states.until(execution, "WaitStateEntered")
    kumoi.advance(30)
    assert sum("WaitStateEntered" in one for one in states.trail(execution)) == 2
    kumoi.advance(160)
    ended = states.client.describe_execution(executionArn=execution)
    assert json.loads(ended["output"]) == [1, 2, 3, 4, 5]
    assert 3 * 60 <= (ended["stopDate"] - ended["startDate"]).total_seconds() < 4 * 60


def test_express_waits_too(states: Any, kumoi: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    express = states.create(machine(A={"Type": "Wait", "Seconds": 20, "End": True}), type="EXPRESS")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(states.client.start_sync_execution, stateMachineArn=express)
        while not answer.done():
            kumoi.advance(1)
        assert answer.result()["status"] == "SUCCEEDED"
