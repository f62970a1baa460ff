"""The operations on event source mappings: what is made reads back, what Lambda refuses is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def queue(mailbox: Callable[[str], Any]) -> Any:
    return mailbox("work")


def test_a_mapping_is_made_read_changed_listed_and_deleted(
    client: Any, queue: Any, telling: Callable[..., dict[str, Any]]
) -> None:
    telling()
    made = client.create_event_source_mapping(FunctionName="f", EventSourceArn=queue.arn, Enabled=False)
    assert (made["State"], made["BatchSize"], made["EventSourceArn"]) == ("Creating", 10, queue.arn)
    assert made["FunctionArn"].endswith(":function:f")
    read = client.get_event_source_mapping(UUID=made["UUID"])
    assert (read["State"], read["MaximumBatchingWindowInSeconds"]) == ("Disabled", 0)

    metrics = {"Metrics": ["EventCount"]}
    counted = client.update_event_source_mapping(UUID=made["UUID"], MetricsConfig=metrics)
    assert counted["MetricsConfig"] == metrics
    assert "MetricsConfig" not in client.update_event_source_mapping(UUID=made["UUID"], MetricsConfig={})
    changed = client.update_event_source_mapping(UUID=made["UUID"], Enabled=True, BatchSize=5)
    assert (changed["State"], changed["BatchSize"]) == ("Enabling", 5)
    assert client.get_event_source_mapping(UUID=made["UUID"])["State"] == "Enabled"

    pages = client.get_paginator("list_event_source_mappings").paginate(FunctionName="f")
    assert [one["UUID"] for page in pages for one in page["EventSourceMappings"]] == [made["UUID"]]
    assert client.list_event_source_mappings(EventSourceArn=queue.arn + "x")["EventSourceMappings"] == []

    assert client.delete_event_source_mapping(UUID=made["UUID"])["State"] == "Deleting"
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_event_source_mapping(UUID=made["UUID"])


def test_a_source_and_a_function_have_one_mapping(
    client: Any, queue: Any, telling: Callable[..., dict[str, Any]]
) -> None:
    telling()
    made = client.create_event_source_mapping(FunctionName="f", EventSourceArn=queue.arn)
    with pytest.raises(client.exceptions.ResourceConflictException) as refused:
        client.create_event_source_mapping(FunctionName="f", EventSourceArn=queue.arn)
    assert made["UUID"] in str(refused.value)


def test_tags_of_a_mapping(client: Any, queue: Any, telling: Callable[..., dict[str, Any]]) -> None:
    telling()
    made = client.create_event_source_mapping(FunctionName="f", EventSourceArn=queue.arn, Tags={"a": "1"})
    arn = made["EventSourceMappingArn"]
    client.tag_resource(Resource=arn, Tags={"b": "2"})
    assert client.list_tags(Resource=arn)["Tags"] == {"a": "1", "b": "2"}
    client.untag_resource(Resource=arn, TagKeys=["a"])
    assert client.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_tags(Resource=arn[:-4] + "0000")


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"FunctionName": "nobody"}, "Function does not exist"),
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:none"}, "NonExistentQueue"),
        ({"EventSourceArn": "arn:aws:s3:::bucket"}, "Unrecognized event source"),
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({"StartingPosition": "LATEST"}, "StartingPosition is not valid for SQS"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "not JSON"}]}}, "Invalid filter pattern"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "[1]"}]}}, "Invalid filter pattern"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": "x"}'}]}}, "Invalid filter pattern"),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"a": [1]}'}] * 11}}, "Filter"),
        ({"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1}, "less than or equal to 10000"),
        ({"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:x"}}}, "Unsupported"),
        (
            {"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:x.fifo", "MaximumBatchingWindowInSeconds": 1},
            "Batching window is not supported for FIFO queues",
        ),
        ({"ParallelizationFactor": 2}, "Unsupported ParallelizationFactor parameter for given event source mapping"),
        ({"MaximumRetryAttempts": 2}, "Unsupported MaximumRetryAttempts parameter"),
        ({"TumblingWindowInSeconds": 5}, "Unsupported TumblingWindowInSeconds parameter"),
        (
            {
                "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
                "StartingPosition": "LATEST",
                "MaximumRecordAgeInSeconds": 59,
            },
            "MaximumRecordAgeInSeconds must be -1 or at least 60",
        ),
    ],
)
def test_what_lambda_refuses(
    client: Any, queue: Any, telling: Callable[..., dict[str, Any]], wrong: dict[str, Any], text: str
) -> None:
    telling()
    with pytest.raises(ClientError) as refused:
        client.create_event_source_mapping(**{"FunctionName": "f", "EventSourceArn": queue.arn, **wrong})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert text in str(refused.value)


def test_a_queue_hides_messages_for_as_long_as_a_function_may_run(
    client: Any, sqs: Any, queue: Any, telling: Callable[..., dict[str, Any]]
) -> None:
    telling()
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "5"})
    with pytest.raises(ClientError, match="5 seconds is less than Function timeout: 20 seconds"):
        client.create_event_source_mapping(FunctionName="f", EventSourceArn=queue.arn)
