"""What calls are billed by: a table of edges with their units."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kumoi import prices
from kumoi.cost.rules import _BY_SOURCE, GIB, Edge, Modes, billed
from kumoi.cost.standing import _ITEMS

TABLE: list[tuple[Edge, Mapping[str, float], Mapping[str, float]]] = [
    (
        Edge("client", "lambda:f", "lambda", "Invoke"),
        {"requests": 1, "lambda:invocations": 1, "lambda:MB-millisecond-x86": 1024 * 1000, "lambda:millisecond": 999.3},
        {"lambda.requests": 1, "lambda.gb-seconds-x86": 1},
    ),
    (Edge("client", "lambda:f", "lambda", "GetFunction"), {"requests": 4}, {}),
    (
        Edge("cloudfront:E1", "lambda:f", "lambda", "Invoke"),
        {"requests": 1, "lambda:invocations": 1, "lambda:MB-millisecond-x86": 512 * 1000},
        {"lambda.edge-requests": 1, "lambda.edge-gb-seconds": 0.5},
    ),
    (
        Edge("client", "lambda:f", "lambda", "lambda-url"),
        {"requests": 1, "lambda:invocations": 1, "lambda:MB-millisecond-arm": 1024 * 2000, "out": GIB / 2},
        {"lambda.requests": 1, "lambda.gb-seconds-arm": 2, "transfer.out-gb": 0.5},
    ),
    (
        Edge("client", "apigatewayv2:a", "apigatewayv2", "execute-api"),
        {"requests": 3, "more_requests": 1, "websocket_connects": 1},
        {"apigateway.http-requests": 3},
    ),
    (Edge("client", "apigatewayv2:a", "apigatewayv2", "CreateApi"), {"requests": 3}, {}),
    (
        Edge("client", "apigatewayv2:a", "apigatewayv2", "ServeWebSocketMessage"),
        {"requests": 1, "websocket_messages": 2},
        {"apigateway.websocket-messages": 2},
    ),
    (Edge("client", "apigateway:a", "apigateway", "execute-api"), {"requests": 2}, {"apigateway.rest-requests": 2}),
    (
        Edge("lambda:f", "sqs:q", "sqs", "SendMessage"),
        {"requests": 2, "more_requests": 3},
        {"sqs.standard-requests": 5},
    ),
    (Edge("lambda:f", "sqs:q.fifo", "sqs", "SendMessage"), {"requests": 2}, {"sqs.fifo-requests": 2}),
    (
        Edge("lambda:f", "sns:t", "sns", "Publish"),
        {"requests": 1, "publishes": 2, "deliveries_sqs": 5, "deliveries_https": 1, "deliveries_http": 1},
        {"sns.publishes": 2, "sns.http-deliveries": 2},
    ),
    (
        Edge("lambda:f", "ses:a@b.c", "sesv2", "SendEmail"),
        {"requests": 1, "ses:recipients": 3, "ses:attached-bytes": 2**29},
        {"ses.messages": 3, "ses.attachment-gb": 0.5},
    ),
    (
        Edge("lambda:f", "dynamodb:t", "dynamodb", "Query"),
        {"requests": 1, "read_units": 1.5},
        {"dynamodb.read-units": 1.5},
    ),
    (Edge("acm", "route53:example.com", "route53", "Resolve"), {"requests": 3, "queries": 3}, {"route53.queries": 3}),
    (
        Edge("lambda:f", "kms:k", "kms", "Sign"),
        {"requests": 5, "asymmetric_requests": 2},
        {"kms.requests": 3, "kms.asymmetric-requests": 2},
    ),
    (Edge("lambda:f", "dynamodb:fixed", "dynamodb", "PutItem"), {"requests": 1, "write_units": 2}, {}),
    (Edge("client", "s3:b", "s3", "PutObject"), {"requests": 1, "in": 100}, {"s3.class-a": 1}),
    (Edge("client", "s3:b", "s3", "GetObject"), {"requests": 2, "out": GIB}, {"s3.class-b": 2, "transfer.out-gb": 1}),
    (Edge("lambda:f", "s3:b", "s3", "GetObject"), {"requests": 2, "out": GIB}, {"s3.class-b": 2}),
    (Edge("client", "s3:b", "s3", "DeleteObjects"), {"requests": 2}, {}),
    (Edge("cloudfront:E1", "s3:b", "s3", "HeadBucket"), {"requests": 2}, {}),
    (Edge("s3:a", "s3:b", "s3", "ReplicateObject"), {"requests": 1, "in": GIB}, {"s3.class-a": 1}),
    (Edge("client", "s3:b", "s3", "HeadBucket"), {"requests": 2}, {"s3.class-b": 2}),
    (
        Edge("stepfunctions:m", "stepfunctions:m", "stepfunctions", "Execution"),
        {"transitions": 7, "express_executions": 1, "express_MB_milliseconds": 64 * 1000},
        {
            "stepfunctions.transitions": 7,
            "stepfunctions.express-requests": 1,
            "stepfunctions.express-gb-seconds": 0.0625,
        },
    ),
    (
        Edge("client", "cloudfront:E1", "cloudfront", "cloudfront-edge"),
        {"requests": 4, "out": GIB, "cloudfront:function": 4},
        {"cloudfront.https-requests": 4, "cloudfront.out-gb": 1, "cloudfront.functions": 4},
    ),
    (Edge("client", "appsync:a", "appsync", "appsync-api"), {"requests": 4}, {"appsync.operations": 4}),
    (
        Edge("client", "appsync:a", "appsync", "appsync-api"),
        {"requests": 4, "appsync_other_requests": 3, "appsync_event_operations": 5},
        {"appsync.operations": 1, "appsync.event-operations": 5},
    ),
    (Edge("lambda:f", "logs:/g", "logs", "WriteFunctionLogs"), {"ingested_bytes": GIB}, {"logs.ingested-gb": 1}),
    (
        Edge("client", "kinesis:s", "kinesis", "PutRecord"),
        {"put_units": 3, "put_kilobytes": 60},
        {"kinesis.put-units": 3},
    ),
    (
        Edge("client", "kinesis:loose", "kinesis", "PutRecord"),
        {"put_units": 3, "put_kilobytes": 1024 * 1024},
        {"kinesis.in-gb": 1},
    ),
    (
        Edge("lambda:f", "firehose:s", "firehose", "PutRecordBatch"),
        {"requests": 1, "records": 2, "bytes": 100, "ingested_bytes": GIB / 2},
        {"firehose.ingested-gb": 0.5},
    ),
    (
        Edge("firehose:s", "firehose:s", "firehose", "Partitioning"),
        {"partitioned_bytes": GIB, "partition_objects": 3, "converted_bytes": 2 * GIB},
        {"firehose.partitioned-gb": 1, "firehose.partition-objects": 3, "firehose.converted-gb": 2},
    ),
    (
        Edge("scheduler:nightly", "lambda:f", "lambda", "Invoke"),
        {"requests": 1, "lambda:invocations": 1},
        {"lambda.requests": 1, "scheduler.invocations": 1},
    ),
    (
        Edge("client", "cloudwatch:N", "cloudwatch", "GetMetricData"),
        {"requests": 1, "metrics_read": 5},
        {"cloudwatch.metrics-read": 5},
    ),
    (Edge("logs:/g", "cloudwatch:N", "cloudwatch", "PutMetricData"), {"requests": 1}, {}),
    (Edge("athena", "athena", "athena", "Query"), {"scanned_MB": 1024 * 1024}, {"athena.scanned-tb": 1}),
    (Edge("logs:/g", "logs:/g", "logs", "Query"), {"scanned_bytes": GIB}, {"logs.scanned-gb": 1}),
    (Edge("client", "iam:r", "iam", "CreateRole"), {"requests": 1}, {}),
]
MODES = Modes(frozenset({"dynamodb:fixed"}), frozenset({"kinesis:loose"}))


@pytest.mark.parametrize(
    ("edge", "units", "items"), TABLE, ids=[f"{one[0].target} {one[0].operation}" for one in TABLE]
)
def test_what_calls_are_billed_by(edge: Edge, units: Mapping[str, float], items: Mapping[str, float]) -> None:
    assert billed(edge, units, MODES) == items


@pytest.mark.parametrize(
    ("edge", "units", "items"), TABLE, ids=[f"{one[0].target} {one[0].operation}" for one in TABLE]
)
def test_rules_are_linear(edge: Edge, units: Mapping[str, float], items: Mapping[str, float]) -> None:
    threefold = billed(edge, {unit: 3 * amount for unit, amount in units.items()}, MODES)
    assert threefold == pytest.approx({item: 3 * amount for item, amount in items.items()})


def test_every_item_of_the_rules_has_a_price() -> None:
    named = {item for _, _, items in TABLE for item in items}
    named |= {item for _, item in _BY_SOURCE} | {item for item, _ in _ITEMS.values()}
    assert named <= prices.aws().items.keys()
