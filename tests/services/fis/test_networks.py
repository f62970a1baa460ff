"""Experiments on streams, networks and databases break them for real; what there is nothing of fails and says so."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from kumoi.services.fis.catalogue import ACTIONS

pytestmark = pytest.mark.kumoi_clock

CODE = """
import os, socket, urllib.parse
import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

ASKED = {"s3": "list_buckets", "dynamodb": "list_tables"}

def handler(event, context):
    if event == "connect":
        endpoint = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
        try:
            socket.create_connection((endpoint.hostname, endpoint.port), timeout=5).close()
        except OSError as error:
            return str(error)
        return "connected"
    service, region, patience = event
    config = Config(read_timeout=patience, connect_timeout=patience, retries={"total_max_attempts": 1})
    try:
        getattr(boto3.client(service, region_name=region, config=config), ASKED[service])()
    except BotoCoreError as error:
        return type(error).__name__
    return "answered"
"""


@pytest.fixture
def in_subnets(kumoi: Any, zipped: Any) -> Any:
    """Make a function in subnets; what it answers."""
    client = kumoi.client("lambda")

    def make(name: str, *subnets: str, **more: Any) -> Any:
        client.create_function(
            FunctionName=name,
            Runtime=f"python3.{sys.version_info.minor}",
            Handler="app.handler",
            Role=f"arn:aws:iam::{kumoi.account}:role/worker",
            Timeout=90,
            MemorySize=256,
            VpcConfig={"SubnetIds": list(subnets), "SecurityGroupIds": []},
            Code={"ZipFile": zipped({"app.py": CODE})},
            **more,
        )

        def ask(event: Any) -> Any:
            return json.loads(client.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read())

        return ask

    return make


def one_action(action: str, role: str, kind: str, target: dict[str, Any], **parameters: str) -> dict[str, Any]:
    return {
        "targets": {"these": {"resourceType": kind, "selectionMode": "ALL", **target}},
        "actions": {"break": {"actionId": action, "parameters": parameters, "targets": {role: "these"}}},
    }


def on_subnets(kumoi: Any, *subnets: str, action: str = "disrupt-connectivity", **parameters: str) -> dict[str, Any]:
    arns = [f"arn:aws:ec2:us-east-1:{kumoi.account}:subnet/{one}" for one in subnets]
    target = {"resourceArns": arns}
    return one_action(f"aws:network:{action}", "Subnets", "aws:ec2:subnet", target, duration="PT5M", **parameters)


def test_a_stream_throttles_as_the_sdk_knows_it_and_no_other_does(kumoi: Any, client: Any, start: Any) -> None:
    kinesis = boto3.client(
        "kinesis",
        endpoint_url=kumoi.url,
        region_name="us-east-1",
        aws_access_key_id=kumoi.account,
        aws_secret_access_key="test",
        config=Config(retries={"mode": "standard", "total_max_attempts": 2}),
    )
    for name in ("struck", "spared"):
        kinesis.create_stream(StreamName=name, ShardCount=1, Tags={"break": "yes" if name == "struck" else "no"})
        kinesis.put_record(StreamName=name, Data=b"first", PartitionKey="k")
    shard = {"StreamName": "struck", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
    iterator = kinesis.get_shard_iterator(**shard)["ShardIterator"]
    given = one_action(
        "aws:kinesis:stream-provisioned-throughput-exception",
        "KinesisStreams",
        "aws:kinesis:stream",
        {"resourceTags": {"break": "yes"}, "filters": [{"path": "StreamStatus", "values": ["ACTIVE"]}]},
        duration="PT5M",
        percentage="100",
    )
    experiment = start(**given)
    for method, asked in (
        (kinesis.put_record, {"StreamName": "struck", "Data": b"x", "PartitionKey": "k"}),
        (kinesis.get_records, {"ShardIterator": iterator}),
        (kinesis.get_shard_iterator, shard),
    ):
        with pytest.raises(ClientError, match="ProvisionedThroughputExceededException") as error:
            method(**asked)
        assert error.value.response["ResponseMetadata"]["RetryAttempts"] == 1, "it was tried again"
    kinesis.put_record(StreamName="spared", Data=b"x", PartitionKey="k")
    client.stop_experiment(id=experiment["id"])
    kumoi.advance(0)
    given["actions"]["break"]["actionId"] = "aws:kinesis:stream-expired-iterator-exception"
    start(**given)
    with pytest.raises(ClientError, match="ExpiredIteratorException"):
        kinesis.get_records(ShardIterator=iterator)
    kinesis.put_record(StreamName="struck", Data=b"x", PartitionKey="k")
    kumoi.advance(301)
    iterator = kinesis.get_shard_iterator(**shard)["ShardIterator"]
    assert [one["Data"] for one in kinesis.get_records(ShardIterator=iterator)["Records"]] == [b"first", b"x"]
    kinesis.close()


def test_the_functions_of_a_subnet_are_cut_off(kumoi: Any, client: Any, start: Any, in_subnets: Any) -> None:
    inside, outside = in_subnets("inside", "subnet-1", Tags={"team": "a"}), in_subnets("outside", "subnet-2")
    assert inside("connect") == "connected"
    with urllib.request.urlopen(f"{kumoi.url}/_kumoi/info") as answer:
        isolation = json.load(answer)["isolation"]
    experiment = start(**on_subnets(kumoi, "subnet-1", scope="all"))
    assert experiment["actions"]["break"]["state"]["reason"] == "Action is running: cut off are inside."
    if isolation == "namespace":
        assert "unreachable" in inside("connect")
    else:
        assert "in namespaces" in inside("connect")["errorMessage"]
    assert outside("connect") == "connected"
    kumoi.advance(301)
    assert inside("connect") == "connected"

    tagged = one_action(
        "aws:network:disrupt-connectivity",
        "Subnets",
        "aws:ec2:subnet",
        {"resourceTags": {"team": "a"}},
        duration="PT5M",
        scope="dynamodb",
    )
    start(**tagged)
    assert [inside(["dynamodb", "us-east-1", 1]), inside(["s3", "us-east-1", 60])] == ["ReadTimeoutError", "answered"]
    kumoi.advance(301)
    start(**on_subnets(kumoi, "subnet-1", action="route-table-disrupt-cross-region-connectivity", region="eu-west-1"))
    assert [inside(["s3", "us-east-1", 60]), inside(["s3", "eu-west-1", 1])] == ["answered", "ReadTimeoutError"]
    assert outside(["s3", "eu-west-1", 60]) == "answered"


def test_a_cluster_that_fails_over_has_no_writer_for_a_while(kumoi: Any, start: Any) -> None:
    rds, statements = kumoi.client("rds"), kumoi.client("rds-data")
    made = rds.create_db_cluster(
        DBClusterIdentifier="shop",
        Engine="aurora-postgresql",
        MasterUsername="admin1",
        ManageMasterUserPassword=True,
        EnableHttpEndpoint=True,
    )["DBCluster"]
    rds.create_db_instance(
        DBInstanceIdentifier="shop-1",
        DBInstanceClass="db.t3.medium",
        Engine="aurora-postgresql",
        DBClusterIdentifier="shop",
    )
    asked = {
        "resourceArn": made["DBClusterArn"],
        "secretArn": made["MasterUserSecret"]["SecretArn"],
        "sql": "SELECT 1",
    }
    assert statements.execute_statement(**asked)["records"] == [[{"longValue": 1}]]
    instance = f"arn:aws:rds:us-east-1:{kumoi.account}:db:shop-1"
    for action, role, kind, arn in (
        ("failover-db-cluster", "Clusters", "aws:rds:cluster", made["DBClusterArn"]),
        ("reboot-db-instances", "DBInstances", "aws:rds:db", instance),
    ):
        experiment = start(**one_action(f"aws:rds:{action}", role, kind, {"resourceArns": [arn]}))
        assert experiment["state"]["status"] == "running", experiment
        with pytest.raises(ClientError, match="DatabaseUnavailableException") as error:
            statements.execute_statement(**asked)
        assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 504
        kumoi.advance(31)
        assert statements.execute_statement(**asked)["records"] == [[{"longValue": 1}]]


def test_a_global_table_does_not_replicate_until_the_action_is_over(kumoi: Any, client: Any, start: Any) -> None:
    keys = {"aws_access_key_id": kumoi.account, "aws_secret_access_key": "test"}
    here = kumoi.client("dynamodb")
    there = boto3.client("dynamodb", endpoint_url=kumoi.url, region_name="eu-west-1", **keys)
    for name in ("struck", "alone"):
        table = here.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )["TableDescription"]
    here.update_table(TableName="struck", ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])

    def ids(region: Any) -> set[str]:
        return {one["id"]["S"] for one in region.scan(TableName="struck")["Items"]}

    def until(done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def struck() -> int:
        with urllib.request.urlopen(f"{kumoi.url}/_kumoi/faults") as answer:
            return sum(one["struck"] for one in json.load(answer)["faults"] if one["account"] == kumoi.account)

    def replicas() -> set[str]:
        return {one["ReplicaStatus"] for one in here.describe_table(TableName="struck")["Table"].get("Replicas", ())}

    until(lambda: replicas() == {"ACTIVE"})
    here.put_item(TableName="struck", Item={"id": {"S": "before"}})
    until(lambda: ids(there) == {"before"})
    given = one_action(
        "aws:dynamodb:global-table-pause-replication",
        "Tables",
        "aws:dynamodb:global-table",
        {"resourceArns": [table["TableArn"].replace("alone", "struck")]},
        duration="PT5M",
    )
    assert start(**given)["state"]["status"] == "running"
    for region, name in ((here, "from here"), (there, "from there")):
        region.put_item(TableName="struck", Item={"id": {"S": name}})
        before = struck()
        until(lambda before=before: struck() > before)  # type: ignore[misc]
    assert (ids(here), ids(there)) == ({"before", "from here"}, {"before", "from there"})
    kumoi.advance(301)
    until(lambda: ids(here) == ids(there) == {"before", "from here", "from there"})

    given["targets"]["these"]["resourceArns"] = [table["TableArn"]]
    experiment = client.start_experiment(
        experimentTemplateId=client.create_experiment_template(
            description="d",
            stopConditions=[{"source": "none"}],
            roleArn=f"arn:aws:iam::{kumoi.account}:role/r",
            **given,
        )["experimentTemplate"]["id"]
    )["experiment"]["id"]
    until(lambda: client.get_experiment(id=experiment)["experiment"]["state"]["status"] == "failed")
    assert "is no global table" in client.get_experiment(id=experiment)["experiment"]["state"]["reason"]
    there.close()


@pytest.mark.parametrize(
    ("subnet", "given", "reason"),
    [
        ("subnet-9", {"scope": "all"}, "No function has one of the subnets"),
        ("subnet-1", {"scope": "availability-zone"}, "Kumoi has no Availability Zones"),
        ("subnet-1", {"scope": "prefix-list"}, "Kumoi has no prefix lists"),
        ("subnet-1", {"scope": "s3express"}, "Kumoi has no S3 Express One Zone"),
    ],
)
def test_a_network_that_cannot_be_cut_fails_and_says_why(
    kumoi: Any, start: Any, in_subnets: Any, subnet: str, given: dict[str, str], reason: str
) -> None:
    in_subnets("inside", "subnet-1")
    experiment = start(**on_subnets(kumoi, subnet, **given))
    assert experiment["state"]["status"] == "failed"
    assert reason in experiment["actions"]["break"]["state"]["reason"]


@pytest.mark.parametrize("action", sorted(one.id for one in ACTIONS.values() if one.missing))
def test_what_kumoi_has_nothing_of_fails_and_names_it(kumoi: Any, start: Any, action: str) -> None:
    [(role, kind)] = ACTIONS[action].targets.items()
    given = {
        name: "us-east-1" if name == "region" else "PT5M"
        for name in ACTIONS[action].parameters
        if "egion" in name or name == "duration"
    }
    arn = f"arn:aws:{kind.split(':')[1]}:us-east-1:{kumoi.account}:thing/one"
    experiment = start(**one_action(action, role, kind, {"resourceArns": [arn]}, **given))
    assert experiment["actions"]["break"]["state"] == {
        "status": "failed",
        "reason": f"{action} is not supported locally: {ACTIONS[action].missing}.",
    }
