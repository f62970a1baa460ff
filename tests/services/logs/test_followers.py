"""What follows log events: subscriptions, metric filters, live tails."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

ROLE = "arn:aws:iam::000000000000:role/logs"
FUNCTION = "import json\ndef handler(event, context):\n    print('GOT ' + json.dumps(event))\n"


@pytest.fixture
def logs(kumoi: Any) -> Any:
    client = kumoi.client("logs")
    client.create_log_group(logGroupName="g")
    client.create_log_stream(logGroupName="g", logStreamName="s")
    return client


def put(logs: Any, kumoi: Any, *messages: str) -> None:
    now = int(kumoi.now().timestamp() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)


def eventually(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not happen within 60 s"
        time.sleep(0.05)
    return result


def unpacked(content: bytes) -> Any:
    return json.loads(gzip.decompress(content))


def test_a_stream_gets_what_matches(logs: Any, kumoi: Any) -> None:
    kinesis = kumoi.client("kinesis")
    kinesis.create_stream(StreamName="k", ShardCount=1)
    arn = kinesis.describe_stream(StreamName="k")["StreamDescription"]["StreamARN"]
    filter_ = {"logGroupName": "g", "filterName": "f", "filterPattern": "[level=ERROR, ...]", "destinationArn": arn}
    with pytest.raises(
        logs.exceptions.InvalidParameterException, match="vendor kinesis cannot be used without roleArn"
    ):
        logs.put_subscription_filter(**filter_)
    logs.put_subscription_filter(**filter_, roleArn=ROLE)
    put(logs, kumoi, "ERROR one", "INFO two", "ERROR three")
    shard = kinesis.list_shards(StreamName="k")["Shards"][0]["ShardId"]
    start = kinesis.get_shard_iterator(StreamName="k", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    control, data = eventually(
        lambda: (
            [
                unpacked(record["Data"])
                for record in kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
            ][1:]
            and [
                unpacked(record["Data"])
                for record in kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]
            ]
        )
    )
    assert (control["messageType"], control["owner"], control["logGroup"]) == ("CONTROL_MESSAGE", "CloudwatchLogs", "")
    assert {key: data[key] for key in ("messageType", "owner", "logGroup", "logStream", "subscriptionFilters")} == {
        "messageType": "DATA_MESSAGE",
        "owner": kumoi.account,
        "logGroup": "g",
        "logStream": "s",
        "subscriptionFilters": ["f"],
    }
    found = logs.filter_log_events(logGroupName="g", filterPattern="ERROR")["events"]
    assert [(one["id"], one["message"]) for one in data["logEvents"]] == [
        (one["eventId"], one["message"]) for one in found
    ]
    assert data["logEvents"][0]["extractedFields"] == {"level": "ERROR", "2": "one"}
    (described,) = logs.describe_subscription_filters(logGroupName="g")["subscriptionFilters"]
    assert (described["filterName"], described["roleArn"], described["distribution"]) == ("f", ROLE, "ByLogStream")


def test_a_function_gets_an_envelope(logs: Any, kumoi: Any, zipped: Any) -> None:
    functions = kumoi.client("lambda")
    arn = functions.create_function(
        FunctionName="fn",
        Runtime="python3.12",
        Handler="index.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"index.py": FUNCTION})},
    )["FunctionArn"]
    functions.add_permission(
        FunctionName="fn", StatementId="s", Action="lambda:InvokeFunction", Principal="logs.amazonaws.com"
    )
    logs.put_subscription_filter(logGroupName="g", filterName="f", filterPattern="", destinationArn=arn)
    put(logs, kumoi, "hello '; DROP 雲")

    def received() -> list[Any]:
        try:
            events = logs.filter_log_events(logGroupName="/aws/lambda/fn", filterPattern="GOT")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [json.loads(event["message"].removeprefix("GOT ")) for event in events]

    (event,) = eventually(received)
    envelope = unpacked(base64.b64decode(event["awslogs"]["data"]))
    assert [one["message"] for one in envelope["logEvents"]] == ["hello '; DROP 雲"]
    with pytest.raises(logs.exceptions.InvalidParameterException, match="reserved for the function log"):
        logs.put_subscription_filter(
            logGroupName="/aws/lambda/fn", filterName="f", filterPattern="", destinationArn=arn
        )


@pytest.mark.parametrize(
    ("destination", "message"),
    [
        ("nonsense", "not an ARN"),
        ("arn:aws:sqs:us-east-1:000000000000:q", "cannot work with destinationArn for vendor sqs"),
        ("arn:aws:lambda:us-east-1:000000000000:function:nosuch", "Could not execute the lambda function"),
        ("arn:aws:kinesis:us-east-1:000000000000:stream/nosuch", "Could not deliver test message"),
        (
            "arn:aws:firehose:us-east-1:000000000000:deliverystream/d",
            "Could not deliver test message to specified Firehose",
        ),
    ],
)
def test_destinations_that_cannot_be(logs: Any, destination: str, message: str) -> None:
    role = {} if ":lambda:" in destination else {"roleArn": ROLE}
    with pytest.raises(logs.exceptions.InvalidParameterException, match=message):
        logs.put_subscription_filter(
            logGroupName="g", filterName="f", filterPattern="", destinationArn=destination, **role
        )
    assert logs.describe_subscription_filters(logGroupName="g")["subscriptionFilters"] == []
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_subscription_filter(logGroupName="g", filterName="f")


def test_a_destination_stands_for_a_stream_and_a_group_has_two_filters(logs: Any, kumoi: Any) -> None:
    kinesis = kumoi.client("kinesis")
    kinesis.create_stream(StreamName="k", ShardCount=1)
    arn = kinesis.describe_stream(StreamName="k")["StreamDescription"]["StreamARN"]
    made = logs.put_destination(destinationName="d", targetArn=arn, roleArn=ROLE)["destination"]
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "logs:PutSubscriptionFilter",
            "Resource": made["arn"],
        },
    }
    logs.put_destination_policy(destinationName="d", accessPolicy=json.dumps(policy))
    assert json.loads(logs.describe_destinations()["destinations"][0]["accessPolicy"]) == policy
    for name in ("a", "b"):
        logs.put_subscription_filter(logGroupName="g", filterName=name, filterPattern="x", destinationArn=made["arn"])
    with pytest.raises(logs.exceptions.LimitExceededException, match="Resource limit exceeded."):
        logs.put_subscription_filter(logGroupName="g", filterName="c", filterPattern="x", destinationArn=made["arn"])
    put(logs, kumoi, "x")
    shard = kinesis.list_shards(StreamName="k")["Shards"][0]["ShardId"]
    start = kinesis.get_shard_iterator(StreamName="k", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    eventually(lambda: len(kinesis.get_records(ShardIterator=start["ShardIterator"])["Records"]) == 2)
    logs.delete_destination(destinationName="d")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.put_subscription_filter(logGroupName="g", filterName="a", filterPattern="x", destinationArn=made["arn"])


def test_a_destination_has_tags(logs: Any, kumoi: Any) -> None:
    kinesis = kumoi.client("kinesis")
    kinesis.create_stream(StreamName="k", ShardCount=1)
    given = {
        "destinationName": "d",
        "targetArn": kinesis.describe_stream_summary(StreamName="k")["StreamDescriptionSummary"]["StreamARN"],
        "roleArn": ROLE,
    }
    arn = logs.put_destination(**given, tags={"team": "a"})["destination"]["arn"]
    logs.tag_resource(resourceArn=arn, tags={"stage": "x", "more": "y"})
    logs.untag_resource(resourceArn=arn, tagKeys=["more"])
    logs.put_destination(**given)
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "a", "stage": "x"}
    with pytest.raises(logs.exceptions.ResourceNotFoundException, match="destination"):
        logs.list_tags_for_resource(resourceArn=f"{arn}x")


def test_metric_filters_make_metrics(logs: Any, kumoi: Any) -> None:
    def filter_(name: str, pattern: str, value: str, **more: Any) -> None:
        transformation = {"metricName": name, "metricNamespace": "Shop", "metricValue": value, **more}
        logs.put_metric_filter(
            logGroupName="g", filterName=name, filterPattern=pattern, metricTransformations=[transformation]
        )

    filter_("errors", "ERROR", "1", defaultValue=0, unit="Count")
    filter_("took", '{ $.kind = "done" }', "$.took", dimensions={"service": "$.service"})
    filter_("bytes", "[..., status=200, bytes]", "$bytes")
    put(logs, kumoi, "ERROR a", "ERROR b", '{"kind":"done","took":2.5,"service":"pay"}', '{"kind":"done","took":"x"}')
    put(logs, kumoi, "GET /x 200 512", "GET /y 500 10")
    assert logs.describe_log_groups()["logGroups"][0]["metricFilterCount"] == 3
    (found,) = logs.describe_metric_filters(metricName="took", metricNamespace="Shop")["metricFilters"]
    assert found["metricTransformations"][0]["dimensions"] == {"service": "$.service"}
    cloudwatch = kumoi.client("cloudwatch")

    def total(name: str, **dimension: str) -> tuple[float, float]:
        now = kumoi.now().timestamp()
        points = cloudwatch.get_metric_statistics(
            Namespace="Shop",
            MetricName=name,
            StartTime=now - 600,
            EndTime=now + 600,
            Period=3600,
            Statistics=["Sum", "SampleCount"],
            Dimensions=[{"Name": key, "Value": value} for key, value in dimension.items()],
        )["Datapoints"]
        return sum(one["Sum"] for one in points), sum(one["SampleCount"] for one in points)

    assert total("errors") == (2, 2)
    assert total("took", service="pay") == (2.5, 1)
    assert total("bytes") == (512, 1)
    logs.delete_metric_filter(logGroupName="g", filterName="took")
    assert len(logs.describe_metric_filters(logGroupName="g")["metricFilters"]) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"metricValue": "many"}, "neither a number nor a field"),
        ({"metricNamespace": "a:b"}, "regular expression pattern"),
        ({"metricNamespace": "AWS/X"}, "must not begin with AWS/"),
        ({"dimensions": {"a": "$.a"}, "defaultValue": 0}, "mutually exclusive"),
        ({"dimensions": dict.fromkeys("abcd", "$.a")}, "up to 3 dimensions"),
        ({"dimensions": {"a": "b"}}, "neither a number nor a field"),
        ({"metricValue": "$.a[*].b[*]"}, "wildcard"),
    ],
)
def test_metric_filters_that_cannot_be(logs: Any, wrong: dict[str, Any], message: str) -> None:
    transformation = {"metricName": "m", "metricNamespace": "n", "metricValue": "1", **wrong}
    with pytest.raises(logs.exceptions.InvalidParameterException, match=message):
        logs.put_metric_filter(
            logGroupName="g", filterName="f", filterPattern="{ $.a = 1 }", metricTransformations=[transformation]
        )


def test_a_live_tail_tells_what_comes(logs: Any, kumoi: Any) -> None:
    arn = f"arn:aws:logs:us-east-1:{kumoi.account}:log-group:g"
    response = logs.start_live_tail(logGroupIdentifiers=[arn], logEventFilterPattern="ERROR")["responseStream"]
    stream = iter(response)
    start = next(stream)["sessionStart"]
    assert (start["logGroupIdentifiers"], start["logEventFilterPattern"]) == ([arn], "ERROR")
    put(logs, kumoi, "ERROR one", "INFO two")
    found: list[Any] = []
    for event in stream:
        update = event["sessionUpdate"]
        assert update["sessionMetadata"] == {"sampled": False}
        found += update["sessionResults"]
        if found:
            break
    assert [(one["message"], one["logStreamName"], one["logGroupIdentifier"]) for one in found] == [
        ("ERROR one", "s", arn)
    ]
    response.close()
    with pytest.raises(logs.exceptions.InvalidParameterException, match="must be ARNs"):
        logs.start_live_tail(logGroupIdentifiers=["g"])
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.start_live_tail(logGroupIdentifiers=[f"{arn}x"])


def test_resource_policies(logs: Any) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "logs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    logs.put_resource_policy(policyName="p", policyDocument=document)
    (policy,) = logs.describe_resource_policies()["resourcePolicies"]
    assert (policy["policyName"], policy["policyDocument"]) == ("p", document)
    logs.delete_resource_policy(policyName="p")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_resource_policy(policyName="p")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.put_resource_policy(policyName="p", policyDocument="{")
