"""Channels, data stores, pipelines and their tags through boto3, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

CHANNEL = {"channel": {"name": "in", "channelName": "c", "next": "out"}}
STORE = {"datastore": {"name": "out", "datastoreName": "d"}}


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call()
    told = error.value.response["Error"]
    return told["Code"], told["Message"]


def test_a_channel_is_made_described_changed_listed_and_deleted(client: Any, kumoi: Any) -> None:
    made = client.create_channel(channelName="c", tags=[{"key": "team", "value": "x"}])
    arn = f"arn:aws:iotanalytics:us-east-1:{kumoi.account}:channel/c"
    assert (made["channelArn"], made["retentionPeriod"]) == (arn, {"unlimited": True})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    client.update_channel(channelName="c", retentionPeriod={"numberOfDays": 3})
    shown = client.describe_channel(channelName="c", includeStatistics=True)
    assert shown["channel"]["retentionPeriod"] == {"numberOfDays": 3}
    assert shown["channel"]["storage"] == {"serviceManagedS3": {}}
    assert "lastMessageArrivalTime" not in shown["channel"]
    assert shown["statistics"]["size"]["estimatedSizeInBytes"] == 0
    (listed,) = client.list_channels()["channelSummaries"]
    assert (listed["channelName"], listed["status"]) == ("c", "ACTIVE")
    client.tag_resource(resourceArn=arn, tags=[{"key": "stage", "value": "dev"}])
    client.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "stage", "value": "dev"}]
    assert client.delete_channel(channelName="c")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(lambda: client.describe_channel(channelName="c"))[0] == "ResourceNotFoundException"


def test_what_is_there_already_is_named(client: Any, kumoi: Any) -> None:
    client.create_channel(channelName="c")
    with pytest.raises(client.exceptions.ResourceAlreadyExistsException) as error:
        client.create_channel(channelName="c")
    answer = error.value.response
    assert (answer["resourceId"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("c", 409)
    assert answer["resourceArn"].endswith(":channel/c")


def test_lists_come_in_pages(client: Any) -> None:
    for number in range(5):
        client.create_datastore(datastoreName=f"d{number}")
    first = client.list_datastores(maxResults=2)
    assert [one["datastoreName"] for one in first["datastoreSummaries"]] == ["d0", "d1"]
    pages = client.get_paginator("list_datastores").paginate(PaginationConfig={"PageSize": 2})
    names = [one["datastoreName"] for page in pages for one in page["datastoreSummaries"]]
    assert names == [f"d{number}" for number in range(5)]
    assert refused(lambda: client.list_datastores(nextToken="?"))[0] == "InvalidRequestException"


def test_a_data_store_keeps_its_format_and_partitions(client: Any) -> None:
    columns = [{"name": "Temp", "type": "double"}, {"name": "at", "type": "array<struct<x:int,y:string>>"}]
    form = {"parquetConfiguration": {"schemaDefinition": {"columns": columns}}}
    partitions = {"partitions": [{"attributePartition": {"attributeName": "farm"}}]}
    client.create_datastore(datastoreName="d", fileFormatConfiguration=form, datastorePartitions=partitions)
    shown = client.describe_datastore(datastoreName="d")["datastore"]
    assert (shown["fileFormatConfiguration"], shown["datastorePartitions"]) == (form, partitions)
    assert client.list_datastores()["datastoreSummaries"][0]["fileFormatType"] == "PARQUET"
    changed = {"jsonConfiguration": {}}
    told = refused(lambda: client.update_datastore(datastoreName="d", fileFormatConfiguration=changed))
    assert told == ("InvalidRequestException", "The file format of a data store cannot be changed.")
    odd = {"partitions": [{"timestampPartition": {"attributeName": "at", "timestampFormat": "yyyy-qq"}}]}
    told = refused(lambda: client.create_datastore(datastoreName="e", datastorePartitions=odd))
    assert told == (
        "InvalidRequestException",
        "The timestamp format of at is not valid: qq is no part of a date's pattern",
    )


def test_a_pipeline_is_a_chain_whatever_the_order_of_its_list(client: Any) -> None:
    math = {"math": {"name": "f", "attribute": "t", "math": "t * 1.8 + 32", "next": "out"}}
    activities = [STORE, {"channel": {**CHANNEL["channel"], "next": "f"}}, math]
    made = client.create_pipeline(pipelineName="p", pipelineActivities=activities)
    assert made["pipelineArn"].endswith(":pipeline/p")
    shown = client.describe_pipeline(pipelineName="p")["pipeline"]
    assert (shown["activities"], shown["reprocessingSummaries"]) == (activities, [])
    client.update_pipeline(pipelineName="p", pipelineActivities=[CHANNEL, STORE])
    assert client.describe_pipeline(pipelineName="p")["pipeline"]["activities"] == [CHANNEL, STORE]
    assert [one["pipelineName"] for one in client.list_pipelines()["pipelineSummaries"]] == ["p"]
    client.delete_pipeline(pipelineName="p")
    assert client.list_pipelines()["pipelineSummaries"] == []


FILTER = {"filter": {"name": "f", "filter": "t > 1", "next": "out"}}


@pytest.mark.parametrize(
    ("activities", "told"),
    [
        ([CHANNEL], "A pipeline has exactly one datastore activity."),
        ([CHANNEL, CHANNEL, STORE], "The names of a pipeline's activities must differ."),
        ([CHANNEL, STORE, FILTER], "No activity goes on to f."),
        (
            [{"channel": {**CHANNEL["channel"], "next": "gone"}}, STORE],
            "Activity in goes on to gone, which is not there.",
        ),
        (
            [
                {"channel": {**CHANNEL["channel"], "next": "f"}},
                {"filter": {**FILTER["filter"], "next": "in"}},
                STORE,
            ],
            "The activities go in a circle at in.",
        ),
        (
            [{"channel": {"name": "in", "channelName": "c"}}, STORE],
            "The chain of activities ends at in: it must end at the datastore activity.",
        ),
        (
            [
                {"channel": {**CHANNEL["channel"], "next": "f"}},
                {"filter": {**FILTER["filter"], "filter": "t >"}},
                STORE,
            ],
            "The filter expression of activity f is not valid: the expression ends too early.",
        ),
        (
            [{**CHANNEL, **STORE}],
            "A pipeline activity holds exactly one activity; this one holds channel, datastore",
        ),
    ],
)
def test_what_is_no_chain_is_refused(client: Any, activities: list[dict[str, Any]], told: str) -> None:
    code, message = refused(lambda: client.create_pipeline(pipelineName="p", pipelineActivities=activities))
    assert code == "InvalidRequestException"
    assert message == told


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("create_channel", {"channelName": "x" * 129}),
        ("create_channel", {"channelName": "__bad"}),
        ("create_channel", {"channelName": "c", "retentionPeriod": {}}),
        ("create_channel", {"channelName": "c", "retentionPeriod": {"unlimited": True, "numberOfDays": 1}}),
        ("create_channel", {"channelName": "c", "retentionPeriod": {"numberOfDays": 0}}),
        ("create_channel", {"channelName": "c", "tags": [{"key": "aws:x", "value": "y"}]}),
        ("create_channel", {"channelName": "c", "tags": [{"key": "x", "value": "y"}, {"key": "x", "value": "z"}]}),
        (
            "create_datastore",
            {
                "datastoreName": "d",
                "fileFormatConfiguration": {
                    "parquetConfiguration": {"schemaDefinition": {"columns": [{"name": "a", "type": "array<"}]}}
                },
            },
        ),
        ("list_channels", {"maxResults": 251}),
        ("list_tags_for_resource", {"resourceArn": "arn:aws:iotanalytics:us-east-1:1:nonsense/x"}),
        ("put_logging_options", {"loggingOptions": {"roleArn": "r" * 20, "level": "DEBUG", "enabled": True}}),
        ("sample_channel_data", {"channelName": "c", "maxMessages": 11}),
        ("batch_put_message", {"channelName": "c", "messages": []}),
    ],
)
def test_requests_that_break_the_rules_are_refused(unchecked: Any, operation: str, params: dict[str, Any]) -> None:
    assert refused(lambda: getattr(unchecked, operation)(**params))[0] == "InvalidRequestException"


def test_logging_options_are_kept(client: Any) -> None:
    assert refused(client.describe_logging_options)[0] == "ResourceNotFoundException"
    options = {"roleArn": "arn:aws:iam::000000000000:role/logs", "level": "ERROR", "enabled": True}
    client.put_logging_options(loggingOptions=options)
    assert client.describe_logging_options()["loggingOptions"] == options
