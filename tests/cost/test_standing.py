"""What services hold, through boto3: everything that is billed by time is in the month, whatever is not is left out."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from kumoi.cost.observed import Amount

CODE = "def handler(event, context):\n    pass\n"


def month(kumoi: Any) -> dict[str, float]:
    """The quantities of a month of one user who does nothing."""
    wish = {"account": kumoi.account, "users": 1, "journeys_per_user": 0, "free_tier": "none"}
    request = urllib.request.Request(f"{kumoi.url}/_kumoi/cost", json.dumps(wish).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return {one["item"]: one["quantity"] for one in json.loads(answer.read())["month"]["items"]}


def test_what_is_held_is_billed_by_time(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> None:
    metrics, users, kinesis = (kumoi.client(name) for name in ("cloudwatch", "cognito-idp", "kinesis"))
    for name in ("a", "b"):
        metrics.put_metric_data(Namespace="Farm", MetricData=[{"MetricName": name, "Value": 1.0}])
    metrics.put_metric_alarm(
        AlarmName="a", Namespace="Farm", MetricName="a", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    for tier, count in (("LITE", 1), ("ESSENTIALS", 2)):
        pool = users.create_user_pool(PoolName=tier, UserPoolTier=tier)["UserPool"]["Id"]
        for number in range(count):
            users.admin_create_user(UserPoolId=pool, Username=f"user{number}", MessageAction="SUPPRESS")
    kinesis.create_stream(StreamName="shards", ShardCount=2)
    kinesis.create_stream(StreamName="free", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    kumoi.client("secretsmanager").create_secret(Name="s", SecretString="x")
    kumoi.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    kms = kumoi.client("kms")
    kms.describe_key(KeyId="alias/aws/s3")
    rotated, deleted = (kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2))
    for _ in range(3):
        kms.rotate_key_on_demand(KeyId=rotated)
    kms.schedule_key_deletion(KeyId=deleted)
    for tier in ("Advanced", "Standard"):
        kumoi.client("ssm").put_parameter(Name=tier, Value="x", Type="String", Tier=tier)
    functions, queues = kumoi.client("lambda"), kumoi.client("sqs")
    functions.create_function(
        FunctionName="worker", Runtime=f"python3.{sys.version_info.minor}", Handler="main.handler", MemorySize=512,
        Role=f"arn:aws:iam::{kumoi.account}:role/worker", Code={"ZipFile": zipped({"main.py": CODE})}, Publish=True,
    )  # fmt: skip
    functions.put_provisioned_concurrency_config(
        FunctionName="worker", Qualifier="1", ProvisionedConcurrentExecutions=1
    )
    for name, enabled in (("on", True), ("off", False), ("ordered.fifo", True)):
        given = {"Attributes": {"FifoQueue": "true"}} if name.endswith(".fifo") else {}
        queues.create_queue(QueueName=name, **given)
        arn = f"arn:aws:sqs:us-east-1:{kumoi.account}:{name}"
        functions.create_event_source_mapping(EventSourceArn=arn, FunctionName="worker", Enabled=enabled)
    queues.send_message(QueueUrl=queues.get_queue_url(QueueName="off")["QueueUrl"], MessageBody="x")
    deadline = time.monotonic() + 60
    while not metrics.list_metrics(Namespace="AWS/SQS")["Metrics"]:  # those of services are free
        assert time.monotonic() < deadline
        time.sleep(0.1)
    found = month(kumoi)
    for written in ("logs.gb-months", "logs.ingested-gb"):  # by the function that is held ready
        assert found.pop(written, 0) < 1e-6
    assert found == {
        "cloudwatch.metric-months": 2,
        "cloudwatch.alarm-months": 1,
        "cognito.lite-users": 1,
        "cognito.essentials-users": 1,
        "kinesis.shard-hours": 2 * 730,
        "kinesis.stream-hours": 730,
        "kms.key-months": 3,
        "route53.zone-months": 1,
        "secretsmanager.secret-months": 1,
        "ssm.advanced-months": 1,
        "lambda.provisioned-gb-hours": 0.5 * 730,
        "sqs.standard-requests": 657_000,
        "sqs.fifo-requests": 657_000,
    }


def test_networks_cost_what_is_in_them_by_the_hour(kumoi: Any) -> None:
    ec2 = kumoi.client("ec2")
    subnets = ec2.describe_subnets()["Subnets"]
    first, second = (one["SubnetId"] for one in subnets[:2])
    addresses = [ec2.allocate_address(Domain="vpc")["AllocationId"] for _ in range(2)]
    gateways = [
        ec2.create_nat_gateway(SubnetId=first, AllocationId=one)["NatGateway"]["NatGatewayId"] for one in addresses
    ]
    ec2.delete_nat_gateway(NatGatewayId=gateways[0])
    vpc, tables = subnets[0]["VpcId"], ec2.describe_route_tables()["RouteTables"]
    queues = {"ServiceName": "com.amazonaws.us-east-1.sqs", "VpcEndpointType": "Interface"}
    ec2.create_vpc_endpoint(VpcId=vpc, SubnetIds=[first, second], **queues)
    objects = {"ServiceName": "com.amazonaws.us-east-1.s3", "RouteTableIds": [tables[0]["RouteTableId"]]}
    ec2.create_vpc_endpoint(VpcId=vpc, **objects)
    hours = {"vpc.nat-hours": 730, "vpc.endpoint-hours": 2 * 730, "vpc.address-hours": 2 * 730}
    assert month(kumoi) == hours


@pytest.mark.parametrize(("traces", "spread"), [(9, (90.0, 90.0)), (10, (20.0, 150.0))])
def test_a_handful_of_traces_says_nothing_of_their_spread(traces: int, spread: tuple[float, float]) -> None:
    assert Amount(90.0, 20.0, 2.0, 15.0, traces).spread == spread
