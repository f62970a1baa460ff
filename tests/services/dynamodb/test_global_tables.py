"""Global tables: replicas in several regions, written in all of them, the last writer winning."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

Make = Callable[..., dict[str, Any]]
EUROPE, ASIA = "eu-west-1", "ap-northeast-1"


@pytest.fixture
def at(kumoi: Any) -> Any:
    """`at(region, service)`: a client of the account in another region."""
    made = []

    def client(region: str, service: str = "dynamodb") -> Any:
        made.append(
            boto3.client(
                service,
                endpoint_url=kumoi.url,
                region_name=region,
                aws_access_key_id=kumoi.account,
                aws_secret_access_key="test",
            )
        )
        return made[-1]

    yield client
    for one in made:
        one.close()


def wait(until: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline, "it did not come about within 60 s"
        time.sleep(0.01)


def add(client: Any, region: str, name: str = "table") -> None:
    client.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": region}}])
    wait(lambda: statuses(client, name).get(region) == "ACTIVE")


def statuses(client: Any, name: str = "table") -> dict[str, str]:
    found = client.describe_table(TableName=name)["Table"].get("Replicas", ())
    return {one["RegionName"]: one["ReplicaStatus"] for one in found}


def items(client: Any, **options: Any) -> dict[str, str]:
    found = client.scan(TableName="table", **options)["Items"]
    return {item["pk"]["S"]: item["g"]["S"] for item in found}


def put(client: Any, key: str, value: str) -> None:
    client.put_item(TableName="table", Item={"pk": {"S": key}, "g": {"S": value}})


def error(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Message"])


def test_items_go_to_all_regions_and_back(client: Any, make: Make, at: Any) -> None:
    make(gsi={"by-g": ("g:S",)})
    for number in range(150):
        put(client, f"k{number:03}", "old")
    europe, asia = at(EUROPE), at(ASIA)
    add(client, EUROPE)
    assert items(europe) == items(client)
    assert items(europe, IndexName="by-g") == items(client)
    described = client.describe_table(TableName="table")["Table"]
    assert described["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert (described["GlobalTableVersion"], statuses(europe)) == ("2019.11.21", {"us-east-1": "ACTIVE"})
    put(client, "a", "here")
    put(europe, "b", "there")
    client.delete_item(TableName="table", Key={"pk": {"S": "k000"}})
    wait(lambda: items(europe) == items(client) and {"a", "b"} <= items(client).keys())
    assert "k000" not in items(europe)
    add(europe, ASIA)
    assert statuses(client) == {EUROPE: "ACTIVE", ASIA: "ACTIVE"}
    assert statuses(asia) == {EUROPE: "ACTIVE", "us-east-1": "ACTIVE"}
    put(asia, "c", "east")
    client.update_item(
        TableName="table",
        Key={"pk": {"S": "b"}},
        UpdateExpression="SET g = :g",
        ExpressionAttributeValues={":g": {"S": "changed"}},
    )
    wait(lambda: items(client) == items(europe) == items(asia) and items(asia)["b"] == "changed")
    assert items(client)["c"] == "east"


def test_the_last_writer_wins_everywhere(client: Any, make: Make, at: Any) -> None:
    make()
    europe = at(EUROPE)
    add(client, EUROPE)
    for number in range(40):
        put(client if number % 2 else europe, "one", str(number))
        put(europe if number % 3 else client, "two", str(number))
    europe.delete_item(TableName="table", Key={"pk": {"S": "one"}})
    wait(lambda: items(client) == items(europe) == {"two": "39"})
    streams = at(EUROPE, "dynamodbstreams")
    (stream,) = streams.list_streams(TableName="table")["Streams"]
    (shard,) = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = streams.get_records(ShardIterator=iterator)["Records"]
    assert records[-1]["eventName"] == "REMOVE" or records[-1]["dynamodb"]["NewImage"]["g"]["S"] == "39"


def test_a_write_that_changes_nothing_elsewhere_wins_there_all_the_same(
    kumoi: Any, client: Any, make: Make, at: Any
) -> None:
    make()
    europe, asia = at(EUROPE), at(ASIA)
    add(client, EUROPE)
    add(client, ASIA)

    def hold(region: str) -> str:
        fault = {"service": "dynamodb", "operation": "Replicate", "action": "drop", "region": region}
        return str(told(kumoi, "POST", "", fault | {"account": kumoi.account})["id"])

    every, of_asia = hold("*"), hold(ASIA)
    put(europe, "one", "same")
    put(asia, "one", "other")
    put(client, "one", "same")
    put(client, "here", "x")
    told(kumoi, "DELETE", f"?id={every}")
    wait(lambda: "here" in items(europe))
    told(kumoi, "DELETE", f"?id={of_asia}")
    put(asia, "last", "x")
    wait(lambda: "last" in items(client).keys() & items(europe).keys() and "here" in items(asia))
    assert items(client) == items(europe) == items(asia) == {"one": "same", "here": "x", "last": "x"}


def told(kumoi: Any, method: str, query: str, body: dict[str, Any] | None = None) -> Any:
    return urllib3.request(method, f"{kumoi.url}/_kumoi/faults{query}", timeout=60, json=body).json()


def test_settings_are_shared_and_replicas_end(client: Any, make: Make, at: Any) -> None:
    make()
    europe = at(EUROPE)
    add(client, EUROPE)
    put(client, "a", "x")
    index = {
        "IndexName": "by-g",
        "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    client.update_table(
        TableName="table",
        AttributeDefinitions=[{"AttributeName": "g", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": index}],
    )
    specification = {"Enabled": True, "AttributeName": "ttl"}
    client.update_time_to_live(TableName="table", TimeToLiveSpecification=specification)
    described = europe.describe_table(TableName="table")["Table"]
    assert described["GlobalSecondaryIndexes"][0]["IndexName"] == "by-g"
    assert europe.describe_time_to_live(TableName="table")["TimeToLiveDescription"]["AttributeName"] == "ttl"
    wait(lambda: items(europe) == {"a": "x"})
    off = {"StreamEnabled": False}
    assert "cannot be disabled" in error(lambda: client.update_table(TableName="table", StreamSpecification=off))

    client.update_table(TableName="table", ReplicaUpdates=[{"Delete": {"RegionName": EUROPE}}])
    assert "not found" in error(lambda: europe.describe_table(TableName="table"))
    assert statuses(client) == {}
    add(client, EUROPE)
    assert items(europe) == {"a": "x"}
    europe.delete_table(TableName="table")
    assert statuses(client) == {}
    put(client, "b", "alone")
    assert items(client) == {"a": "x", "b": "alone"}


def test_what_is_refused(client: Any, make: Make, at: Any) -> None:
    make()

    def update(**asked: Any) -> str:
        return error(lambda: client.update_table(TableName="table", ReplicaUpdates=[asked]))

    assert update(Create={"RegionName": "us-east-1"}).startswith("Cannot add, delete, or update the local region")
    assert "were not part of the global table" in update(Delete={"RegionName": EUROPE})
    assert update(Create={"RegionName": "nowhere"}) == "Invalid region: nowhere"
    assert "TableClassOverride" in update(Create={"RegionName": EUROPE, "TableClassOverride": "STANDARD"})
    keys = [{"AttributeName": "x", "KeyType": "HASH"}]
    at(EUROPE).create_table(
        TableName="table",
        KeySchema=keys,
        AttributeDefinitions=[{"AttributeName": "x", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert "already existed as tables" in update(Create={"RegionName": EUROPE})
    make("keyed", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
    asked = [{"Create": {"RegionName": EUROPE}}]
    assert "NEW_AND_OLD_IMAGES" in error(lambda: client.update_table(TableName="keyed", ReplicaUpdates=asked))


def test_replication_and_kinesis_records_go_on_after_a_crash(killable: Any) -> None:
    killable.start()
    client = killable.client("dynamodb")
    client.create_table(
        TableName="table",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(120):
        put(client, f"old{number}", "x")
    client.update_table(TableName="table", ReplicaUpdates=[{"Create": {"RegionName": EUROPE}}])
    kinesis = killable.client("kinesis")
    kinesis.create_stream(StreamName="changes", ShardCount=1)
    stream = kinesis.describe_stream_summary(StreamName="changes")["StreamDescriptionSummary"]["StreamARN"]
    client.enable_kinesis_streaming_destination(TableName="table", StreamArn=stream)
    for number in range(60):
        put(client, f"new{number}", "x")
    killable.kill()
    killable.start()
    europe = boto3.client(
        "dynamodb",
        endpoint_url=killable.url,
        region_name=EUROPE,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    wait(lambda: statuses(client).get(EUROPE) == "ACTIVE")
    wait(lambda: items(europe) == items(client))
    assert len(items(europe)) == 180
    (shard,) = kinesis.list_shards(StreamName="changes")["Shards"]

    def sent() -> list[str]:
        iterator = kinesis.get_shard_iterator(
            StreamName="changes", ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found = [json.loads(one["Data"]) for one in kinesis.get_records(ShardIterator=iterator)["Records"]]
        return list(dict.fromkeys(one["dynamodb"]["Keys"]["pk"]["S"] for one in found))

    wait(lambda: len(sent()) == 60)
    assert sent() == [f"new{number}" for number in range(60)]
    europe.close()


def test_templates_make_global_tables(kumoi: Any, client: Any, at: Any) -> None:
    kinesis = kumoi.client("kinesis")
    kinesis.create_stream(StreamName="changes", ShardCount=1)
    stream = kinesis.describe_stream_summary(StreamName="changes")["StreamDescriptionSummary"]["StreamARN"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": "*"}
    own = {
        "Region": "us-east-1",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "KinesisStreamSpecification": {"StreamArn": stream},
        "ContributorInsightsSpecification": {"Enabled": True},
        "ResourcePolicy": {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}},
    }
    properties = {
        "TableName": "table",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "Replicas": [own, {"Region": EUROPE}],
    }
    stacks = kumoi.client("cloudformation")

    def deploy(verb: str) -> None:
        template = {"Resources": {"T": {"Type": "AWS::DynamoDB::GlobalTable", "Properties": properties}}}
        getattr(stacks, f"{verb}_stack")(StackName="s", TemplateBody=json.dumps(template))
        stacks.get_waiter(f"stack_{verb}_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

    deploy("create")
    arn = client.describe_table(TableName="table")["Table"]["TableArn"]
    assert "GetItem" in client.get_resource_policy(ResourceArn=arn)["Policy"]
    (found,) = client.describe_kinesis_streaming_destination(TableName="table")["KinesisDataStreamDestinations"]
    assert (found["StreamArn"], found["DestinationStatus"]) == (stream, "ACTIVE")
    wait(lambda: statuses(client) == {EUROPE: "ACTIVE"})
    put(client, "a", "x")
    wait(lambda: items(at(EUROPE)) == {"a": "x"})
    properties["Replicas"] = [{"Region": "us-east-1"}, {"Region": ASIA}]
    deploy("update")
    wait(lambda: statuses(client) == {ASIA: "ACTIVE"})
    assert items(at(ASIA)) == {"a": "x"}
    stacks.delete_stack(StackName="s")
    stacks.get_waiter("stack_delete_complete").wait(StackName="s", WaiterConfig={"Delay": 1})
    assert at(ASIA).list_tables()["TableNames"] == client.list_tables()["TableNames"] == []
