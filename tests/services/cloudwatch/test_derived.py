"""Metrics of AWS's namespaces out of hops."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from msgspec.structs import replace

from kumoi.doorway import Hop, HopBatch
from kumoi.services.cloudwatch.derived import Counts, count


def test_queues_and_log_groups_are_counted(kumoi: Any) -> None:
    sqs, logs, cloudwatch = kumoi.client("sqs"), kumoi.client("logs"), kumoi.client("cloudwatch")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    sqs.receive_message(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody="a")
    sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": name, "MessageBody": name} for name in "bc"])
    for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": int(kumoi.now().timestamp() * 1000), "message": "x" * 74}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])

    def total(namespace: str, name: str, **dimension: str) -> float:
        now = kumoi.now().timestamp()
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            StartTime=now - 600,
            EndTime=now + 600,
            Period=3600,
            Statistics=["Sum"],
            Dimensions=[{"Name": key, "Value": value} for key, value in dimension.items()],
        )["Datapoints"]
        return float(sum(one["Sum"] for one in points))

    expected = {
        "NumberOfMessagesSent": 3,
        "NumberOfMessagesReceived": 3,
        "NumberOfMessagesDeleted": 3,
        "NumberOfEmptyReceives": 1,
    }
    deadline = time.monotonic() + 60
    while {name: total("AWS/SQS", name, QueueName="q") for name in expected} != expected:
        assert time.monotonic() < deadline, {name: total("AWS/SQS", name, QueueName="q") for name in expected}
        time.sleep(0.2)
    while (found := total("AWS/Logs", "IncomingBytes", LogGroupName="g")) != 100:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def hop(service: str, target: str, operation: str, outcome: str = "ok", region: str = "r", **units: float) -> Hop:
    """A hop of account `a`, two minutes after the epoch, of 1.5 ms."""
    ends = "", "", "", "client", target, service, operation, outcome
    return Hop(120_000, "a", region, *ends, 1_500, 10, 20, "", "", units)


def metrics(*hops: Hop) -> dict[tuple[str, ...], dict[float, float]]:
    """What hops come to in region `r`: values with their counts, by name and the dimensions' values."""
    kinds: dict[tuple[str, ...], list[Hop]] = {}
    for one in hops:
        kinds.setdefault((one.region, one.source, one.service, one.target, one.operation), []).append(one)
    counts: Counts = {}
    for alike in kinds.values():
        count(HopBatch(alike), counts)
    found = counts["a", "r"]
    assert {minute for *_, minute in found} == {120}
    return {
        (name, *(value for _, value in dimensions)): dict(counts)
        for (_, name, dimensions, _, _), counts in found.items()
    }


def test_functions_are_counted_each_and_together() -> None:
    took = {"lambda:millisecond": 2.5}
    found = metrics(
        hop("lambda", "lambda:f", "Invoke", **took),
        hop("lambda", "lambda:f", "Invoke", **took),
        hop("lambda", "lambda:f", "Invoke", "Unhandled", **{"lambda:millisecond": 4.0}),
        hop("lambda", "lambda:f", "Invoke", "TooManyRequestsException"),
        hop("lambda", "lambda:g", "Invoke", **took),
        hop("lambda", "lambda:g", "GetFunction"),
        hop("lambda", "lambda:g", "Invoke", region="elsewhere", **took),
    )
    assert found == {
        ("Throttles", "f"): {0.0: 3, 1.0: 1},
        ("Invocations", "f"): {1.0: 3},
        ("Errors", "f"): {0.0: 2, 1.0: 1},
        ("Duration", "f"): {2.5: 2, 4.0: 1},
        ("Throttles", "g"): {0.0: 1},
        ("Invocations", "g"): {1.0: 1},
        ("Errors", "g"): {0.0: 1},
        ("Duration", "g"): {2.5: 1},
        ("Throttles",): {0.0: 4, 1.0: 1},
        ("Invocations",): {1.0: 4},
        ("Errors",): {0.0: 3, 1.0: 1},
        ("Duration",): {2.5: 3, 4.0: 1},
    }


def test_provisioned_concurrency_is_counted_by_alias() -> None:
    found = metrics(
        hop("lambda", "lambda:f", "Invoke", **{"lambda:millisecond": 1.0, "lambda:provisioned/live": 0.5}),
        hop("lambda", "lambda:f", "Invoke", **{"lambda:millisecond": 1.0, "lambda:provisioned/live": 1.0}),
        hop("lambda", "lambda:f", "Invoke", **{"lambda:millisecond": 1.0, "lambda:spillover/live": 1.0}),
    )
    assert found["ProvisionedConcurrencyUtilization", "f", "f:live"] == {0.5: 1, 1.0: 2}
    assert found["ProvisionedConcurrencyInvocations", "f", "f:live"] == {1.0: 2}
    assert found["ProvisionedConcurrencySpilloverInvocations", "f", "f:live"] == {1.0: 1}


def test_what_was_refused_is_told_from_what_a_function_failed_with() -> None:
    ran = {"lambda:millisecond": 2.5}
    refusals = ("TooManyRequestsException", "RecursiveInvocationException")
    found = metrics(
        *(hop("lambda", "lambda:f", "Invoke", one, **ran) for one in refusals),
        *(hop("lambda", "lambda:f", "Invoke", one) for one in refusals),
    )
    assert found["Throttles", "f"] == {0.0: 2, 1.0: 1}
    assert found["RecursiveInvocationsDropped", "f"] == {1.0: 1}
    assert found["Errors", "f"] == {1.0: 2}


def test_what_indexes_consume_is_not_their_tables() -> None:
    found = metrics(
        hop("dynamodb", "dynamodb:t", "PutItem", write_units=3.0, **{"write_units//by-day": 2.0}),
        hop("dynamodb", "dynamodb:t", "PutItem", write_units=4.0),
        hop("dynamodb", "dynamodb", "BatchGetItem", read_units=5.0, **{"read_units/t": 1.5, "read_units/u": 3.5}),
        hop("dynamodb", "dynamodb", "BatchWriteItem", **{"write_units/u": 1.0, "write_units/u/i": 6.0}),
    )
    consumed = {name: counts for name, counts in found.items() if name[0].startswith("Consumed")}
    assert consumed == {
        ("ConsumedWriteCapacityUnits", "t"): {1.0: 1, 4.0: 1},
        ("ConsumedWriteCapacityUnits", "by-day", "t"): {2.0: 1},
        ("ConsumedReadCapacityUnits", "t"): {1.5: 1},
        ("ConsumedReadCapacityUnits", "u"): {3.5: 1},
        ("ConsumedWriteCapacityUnits", "u"): {1.0: 1},
        ("ConsumedWriteCapacityUnits", "i", "u"): {6.0: 1},
    }


def test_tables_and_distributions_are_counted() -> None:
    served = {"cloudfront:status": 404.0, "cloudfront:hit": 100.0, "cloudfront:utilization/fn": 7.0}
    found = metrics(
        hop("dynamodb", "dynamodb:t", "GetItem"),
        hop("dynamodb", "dynamodb:t", "PutItem", "ConditionalCheckFailedException"),
        hop("dynamodb", "dynamodb:t", "PutItem", "ValidationException"),
        hop("dynamodb", "dynamodb:t", "GetItem", "ProvisionedThroughputExceededException"),
        hop("dynamodb", "dynamodb:t", "GetItem", "InternalServerError"),
        hop("dynamodb", "dynamodb", "ListTables"),
        hop("cloudfront", "cloudfront:E1", "cloudfront-edge", **served),
        hop("cloudfront", "cloudfront:E1", "cloudfront-edge"),
        hop("sqs", "sqs:q", "SendMessage", "QueueDoesNotExist", **{"sqs:messages": 1.0}),
    )
    assert found == {
        ("SuccessfulRequestLatency", "GetItem", "t"): {1.5: 1},
        ("ConditionalCheckFailedRequests", "t"): {1.0: 1},
        ("ThrottledRequests", "GetItem", "t"): {1.0: 1},
        ("SystemErrors", "GetItem", "t"): {1.0: 1},
        ("UserErrors",): {1.0: 1},
        ("Requests", "E1", "Global"): {1.0: 1},
        ("BytesDownloaded", "E1", "Global"): {20.0: 1},
        ("BytesUploaded", "E1", "Global"): {10.0: 1},
        ("4xxErrorRate", "E1", "Global"): {100.0: 1},
        ("5xxErrorRate", "E1", "Global"): {0.0: 1},
        ("TotalErrorRate", "E1", "Global"): {100.0: 1},
        ("CacheHitRate", "E1", "Global"): {100.0: 1},
        ("FunctionInvocations", "fn", "Global"): {1.0: 1},
        ("FunctionComputeUtilization", "fn", "Global"): {7.0: 1},
    }


def test_executions_and_apis_are_counted(kumoi: Any) -> None:
    machines, cloudwatch = kumoi.client("stepfunctions"), kumoi.client("cloudwatch")
    definition: dict[str, Any] = {"StartAt": "A"}
    definition["States"] = {
        "A": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.ok", "BooleanEquals": True, "Next": "B"}],
            "Default": "C",
        },
        "B": {"Type": "Succeed"},
        "C": {"Type": "Fail"},
    }
    machine = machines.create_state_machine(
        name="m", definition=json.dumps(definition), roleArn="arn:aws:iam::000000000000:role/r"
    )["stateMachineArn"]
    for ok in (True, True, False):
        machines.start_execution(stateMachineArn=machine, input=json.dumps({"ok": ok}))
    topic = kumoi.client("sns").create_topic(Name="t")["TopicArn"]
    kumoi.client("sns").publish(TopicArn=topic, Message="hello")
    table = {"TableName": "items"}
    dynamodb = kumoi.client("dynamodb")
    dynamodb.create_table(
        **table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(**table, Item={"id": {"S": "a"}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.put_item(**table, Item={"id": {"S": "a"}}, ConditionExpression="attribute_not_exists(id)")

    def totals() -> dict[str, float]:
        now = kumoi.now().timestamp()
        found = {}
        for (namespace, name, key), value in WANTED.items():
            points = cloudwatch.get_metric_statistics(
                Namespace=namespace,
                MetricName=name,
                StartTime=now - 600,
                EndTime=now + 600,
                Period=3600,
                Statistics=["Sum"],
                Dimensions=[{"Name": key, "Value": value.format(machine=machine)}],
            )["Datapoints"]
            found[name] = sum(one["Sum"] for one in points)
        return found

    deadline = time.monotonic() + 60
    expected = {
        "ExecutionsStarted": 3.0,
        "ExecutionsSucceeded": 2.0,
        "ExecutionsFailed": 1.0,
        "NumberOfMessagesPublished": 1.0,
        "ConsumedWriteCapacityUnits": 2.0,
        "ConditionalCheckFailedRequests": 1.0,
    }
    while (found := totals()) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


WANTED = {
    ("AWS/States", "ExecutionsStarted", "StateMachineArn"): "{machine}",
    ("AWS/States", "ExecutionsSucceeded", "StateMachineArn"): "{machine}",
    ("AWS/States", "ExecutionsFailed", "StateMachineArn"): "{machine}",
    ("AWS/SNS", "NumberOfMessagesPublished", "TopicName"): "t",
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName"): "items",
    ("AWS/DynamoDB", "ConditionalCheckFailedRequests", "TableName"): "items",
}


def test_requests_to_apis_by_stage() -> None:
    found = metrics(
        hop("apigatewayv2", "apigatewayv2:a1", "execute-api", **{"execute-api:status/live/": 404.0}),
        hop("apigateway", "apigateway:a2", "execute-api", **{"execute-api:status/prod/The%20%2F%20API": 502.0}),
        hop("apigatewayv2", "apigatewayv2", "CreateApi"),
    )
    assert found[("Count", "a1")] == found[("4xx", "a1", "live")] == {1.0: 1}
    assert (found[("5xx", "a1")], found[("Latency", "a1")], found[("DataProcessed", "a1")]) == (
        {0.0: 1},
        {1.5: 1},
        {30.0: 1},
    )
    assert found[("5XXError", "The / API", "prod")] == found[("Count", "The / API")] == {1.0: 1}
    assert ("Count", "") not in found


def test_mails_of_the_account() -> None:
    sent = hop("sesv2", "ses:a@shop.example", "SendEmail", **{"ses:recipients": 3.0, "ses:bounces": 1.0})
    assert metrics(sent) == {("Send",): {3.0: 1}, ("Bounce",): {1.0: 1}}


def test_targets_by_rule() -> None:
    struck = replace(hop("sqs", "sqs:q", "SendMessage", "AccessDenied"), source="events:nightly")
    assert metrics(struck) == {("Invocations", "nightly"): {1.0: 1}, ("FailedInvocations", "nightly"): {1.0: 1}}
