"""Asynchronous events: retries, age, destinations, dead letters; what is accepted survives."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

KEEP = """
import json
def handler(event, context):
    print('GOT ' + json.dumps(event))
    return {'kept': True}
"""
FAIL = "def handler(event, context):\n    print('RUN ' + context.aws_request_id)\n    raise ValueError('no')\n"


def messages(kumoi: Any, name: str, marker: str) -> list[str]:
    logs = kumoi.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        found = [event["message"].strip() for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [message for message in found if message.startswith(marker)]


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return found


@pytest.fixture
def keeper(create: Any, client: Any) -> str:
    """A function that keeps what it is sent; its ARN."""
    return str(create(KEEP, name="keeper", MemorySize=256)["FunctionArn"])


def received(kumoi: Any) -> list[Any]:
    return [json.loads(line.removeprefix("GOT ")) for line in messages(kumoi, "keeper", "GOT ")]


def test_a_success_is_told_to_its_destination(kumoi: Any, create: Any, client: Any, keeper: str) -> None:
    arn = create("def handler(event, context):\n    return {'sum': event['a'] + 1}\n")["FunctionArn"]
    client.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": keeper}})
    accepted = client.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"a": 1}')
    (record,) = until(lambda: received(kumoi))
    assert record["version"] == "1.0"
    assert record["requestContext"] == {
        "requestId": accepted["ResponseMetadata"]["RequestId"],
        "functionArn": f"{arn}:$LATEST",
        "condition": "Success",
        "approximateInvokeCount": 1,
    }
    assert record["requestPayload"] == {"a": 1}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"sum": 2}


@pytest.mark.parametrize("resource", ["f", "keeper"])
def test_an_event_or_its_destination_that_gets_no_answer_is_tried_again(
    kumoi: Any, create: Any, client: Any, keeper: str, resource: str
) -> None:
    create("def handler(event, context): pass")
    client.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": keeper}})
    fault = {"service": "lambda", "operation": "Invoke", "resource": resource, "account": kumoi.account}
    body = json.dumps({**fault, "caller": "*lambda*", "action": "drop", "times": 1}).encode()
    asked = urllib.request.Request(f"{kumoi.url}/_kumoi/faults", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(asked).close()
    client.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
    assert until(lambda: received(kumoi))


@pytest.mark.kumoi_clock
def test_a_failure_is_told_after_its_last_attempt(kumoi: Any, create: Any, client: Any, keeper: str) -> None:
    create(FAIL)
    client.put_function_event_invoke_config(
        FunctionName="f", MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": keeper}}
    )
    client.invoke(FunctionName="f", InvocationType="Event", Payload=b"7")
    until(lambda: len(messages(kumoi, "f", "REPORT ")) == 1)
    assert received(kumoi) == []
    kumoi.advance(60)
    (record,) = until(lambda: received(kumoi))
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "no"
    first, second = messages(kumoi, "f", "RUN ")
    assert first == second


@pytest.mark.kumoi_clock
def test_an_event_that_grows_too_old_is_given_up(kumoi: Any, create: Any, client: Any, keeper: str) -> None:
    create(FAIL)
    client.put_function_event_invoke_config(
        FunctionName="f",
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": keeper}},
    )
    client.invoke(FunctionName="f", InvocationType="Event")
    until(lambda: messages(kumoi, "f", "RUN "))
    kumoi.advance(61)
    (record,) = until(lambda: received(kumoi))
    assert record["requestContext"]["condition"] in ("EventAgeExceeded", "RetriesExhausted")


def test_a_function_that_must_not_run_fails_its_events_at_once(
    kumoi: Any, create: Any, client: Any, keeper: str
) -> None:
    create(FAIL, DeadLetterConfig={"TargetArn": keeper})
    client.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    client.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnFailure": {"Destination": keeper}})
    client.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"n": 1}')
    found = until(lambda: received(kumoi) if len(received(kumoi)) == 2 else None)
    record = next(one for one in found if "requestContext" in one)
    assert (record["requestContext"]["approximateInvokeCount"], "responseContext" in record) == (0, False)
    assert {"n": 1} in found


def test_configurations_replace_and_merge(create: Any, client: Any) -> None:
    arn = create("def handler(event, context): pass")["FunctionArn"]
    other = create("def handler(event, context): pass", name="g")["FunctionArn"]
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="at least one of error handling"):
        client.put_function_event_invoke_config(FunctionName="f")
    with pytest.raises(client.exceptions.InvalidParameterValueException, match="destination for itself"):
        client.put_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": arn}})
    put = client.put_function_event_invoke_config(
        FunctionName="f", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": other}}
    )
    assert (put["FunctionArn"], put["MaximumRetryAttempts"]) == (f"{arn}:$LATEST", 0)
    merged = client.update_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=90)
    assert (merged["MaximumRetryAttempts"], merged["MaximumEventAgeInSeconds"]) == (0, 90)
    assert merged["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": other}}
    replaced = client.put_function_event_invoke_config(FunctionName="f", MaximumEventAgeInSeconds=60)
    assert "MaximumRetryAttempts" not in replaced
    assert len(client.list_function_event_invoke_configs(FunctionName="f")["FunctionEventInvokeConfigs"]) == 1
    client.delete_function_event_invoke_config(FunctionName="f")
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="doesn't have an EventInvokeConfig"):
        client.get_function_event_invoke_config(FunctionName="f")
