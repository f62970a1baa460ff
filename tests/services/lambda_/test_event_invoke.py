"""The configuration of asynchronous invocations, driven by boto3; what it does is tested with the event queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

ECHO = "def handler(event, context):\n    return event\n"
QUEUE = "arn:aws:sqs:us-east-1:{account}:q"
TOPIC = "arn:aws:sns:us-east-1:{account}:t"
INVALID, MISSING = "InvalidParameterValueException", "ResourceNotFoundException"


@pytest.fixture
def arn(client: Any, create: Callable[..., Any]) -> str:
    """A function with version 1 and the alias live."""
    made = create(ECHO, Publish=True)
    client.create_alias(FunctionName="f", Name="live", FunctionVersion="1")
    return str(made["FunctionArn"])


def test_put_replaces_and_update_merges(client: Any, arn: str, kumoi: Any) -> None:
    queue, topic = QUEUE.format(account=kumoi.account), TOPIC.format(account=kumoi.account)
    made = client.put_function_event_invoke_config(
        FunctionName="f",
        MaximumRetryAttempts=0,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={"OnSuccess": {"Destination": topic}, "OnFailure": {"Destination": queue}},
    )
    assert made["FunctionArn"] == f"{arn}:$LATEST"
    assert isinstance(made["LastModified"], datetime)
    assert (made["MaximumRetryAttempts"], made["MaximumEventAgeInSeconds"]) == (0, 60)
    assert made["DestinationConfig"] == {"OnSuccess": {"Destination": topic}, "OnFailure": {"Destination": queue}}

    merged = client.update_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=1)
    assert (merged["MaximumRetryAttempts"], merged["MaximumEventAgeInSeconds"]) == (1, 60)
    assert merged["DestinationConfig"] == made["DestinationConfig"]
    nothing: dict[str, str]
    for nothing in ({"Destination": ""}, {}):
        cleared = client.update_function_event_invoke_config(FunctionName="f", DestinationConfig={"OnSuccess": nothing})
        assert cleared["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": queue}}

    replaced = client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=2)
    assert "MaximumEventAgeInSeconds" not in replaced
    assert replaced["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    found = client.get_function_event_invoke_config(FunctionName="f", Qualifier="$LATEST")
    assert {**found, "ResponseMetadata": None} == {**replaced, "ResponseMetadata": None}

    assert client.delete_function_event_invoke_config(FunctionName="f")["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(ClientError, match=r"doesn't have an EventInvokeConfig"):
        client.get_function_event_invoke_config(FunctionName="f")


def test_each_qualifier_has_its_own(client: Any, arn: str) -> None:
    for attempts, where in enumerate(({}, {"Qualifier": "1"}, {"Qualifier": "live"})):
        client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=attempts, **where)
    pages = client.get_paginator("list_function_event_invoke_configs").paginate(
        FunctionName="f", PaginationConfig={"PageSize": 2}
    )
    listed = [
        [(one["FunctionArn"], one["MaximumRetryAttempts"]) for one in page["FunctionEventInvokeConfigs"]]
        for page in pages
    ]
    assert listed == [[(f"{arn}:$LATEST", 0), (f"{arn}:1", 1)], [(f"{arn}:live", 2)]]


def test_another_function_can_be_a_destination(client: Any, arn: str, create: Any) -> None:
    other = create(ECHO, name="other")["FunctionArn"]
    made = client.put_function_event_invoke_config(
        FunctionName="f", DestinationConfig={"OnSuccess": {"Destination": other}}
    )
    assert made["DestinationConfig"]["OnSuccess"] == {"Destination": other}


F = {"FunctionName": "f"}
FUNCTION = "arn:aws:lambda:us-east-1:{account}:function:f"


def to(target: str, outcome: str = "OnFailure") -> dict[str, Any]:
    return {"DestinationConfig": {outcome: {"Destination": target}}}


NEEDS_ONE = "You must specify at least one of error handling or destination setting."
ITSELF = "You can't specify the function as a destination for itself."
NO_CONFIG = FUNCTION + "{q} doesn't have an EventInvokeConfig"
REFUSALS: list[tuple[str, dict[str, Any], str, str]] = [
    ("put", F, INVALID, NEEDS_ONE),
    ("put", F | {"DestinationConfig": {}}, INVALID, NEEDS_ONE),
    ("update", F, INVALID, NEEDS_ONE),
    ("put", F | {"MaximumRetryAttempts": 3}, "ValidationException", "'maximumRetryAttempts' failed to satisfy"),
    ("put", F | {"MaximumEventAgeInSeconds": 59}, "ValidationException", "'maximumEventAgeInSeconds' failed"),
    ("put", F | to(FUNCTION), INVALID, ITSELF),
    ("put", F | to(FUNCTION + ":live", "OnSuccess"), INVALID, ITSELF),
    ("put", F | to(FUNCTION + "2"), INVALID, "The destination ARN " + FUNCTION + "2 is invalid."),
    ("put", F | to(QUEUE + ".fifo"), INVALID, "The destination ARN " + QUEUE + ".fifo is invalid."),
    ("put", F | to("arn:aws:s3:::b", "OnSuccess"), INVALID, "The destination ARN arn:aws:s3:::b is invalid."),
    ("put", F | to("arn:aws:ec2:us-east-1::x"), INVALID, "The destination ARN arn:aws:ec2:us-east-1::x is invalid."),
    ("put", F | to("arn:aws:lambda:us-east-1::x"), INVALID, "The destination ARN arn:aws:lambda:us-east-1::x is"),
    ("put", F | to("nowhere"), "ValidationException", "destination' failed to satisfy constraint"),
    ("put", {"FunctionName": "no", "MaximumRetryAttempts": 1}, MISSING, "The function doesn't exist."),
    ("put", F | {"Qualifier": "9", "MaximumRetryAttempts": 1}, MISSING, "The function doesn't exist."),
    ("update", {"FunctionName": "no", "MaximumRetryAttempts": 1}, MISSING, "The function doesn't exist."),
    ("update", F | {"MaximumRetryAttempts": 1}, MISSING, NO_CONFIG.replace("{q}", ":$LATEST")),
    ("get", F, MISSING, NO_CONFIG.replace("{q}", ":$LATEST")),
    ("get", F | {"Qualifier": "live"}, MISSING, NO_CONFIG.replace("{q}", ":live")),
    ("delete", F, MISSING, NO_CONFIG.replace("{q}", ":$LATEST")),
    ("delete", {"FunctionName": "no"}, MISSING, "The function doesn't exist."),
]


@pytest.mark.parametrize(("verb", "parameters", "code", "message"), REFUSALS)
def test_what_lambda_refuses_is_refused_in_its_words(
    verb: str, parameters: dict[str, Any], code: str, message: str, kumoi: Any, arn: str
) -> None:
    client = kumoi.client("lambda", parameter_validation=False)
    given = dict(parameters)
    if given.get("DestinationConfig"):
        ((outcome, target),) = given["DestinationConfig"].items()
        destination = target["Destination"].format(account=kumoi.account)
        given["DestinationConfig"] = {outcome: {"Destination": destination}}
    with pytest.raises(ClientError) as refused:
        getattr(client, f"{verb}_function_event_invoke_config")(**given)
    assert refused.value.response["Error"]["Code"] == code
    assert message.format(account=kumoi.account) in refused.value.response["Error"]["Message"]
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="The function doesn't exist."):
        client.list_function_event_invoke_configs(FunctionName="no")
