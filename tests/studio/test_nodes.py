from __future__ import annotations

import pytest

from kumoi.studio.apps import named_for
from kumoi.studio.nodes import is_traffic, node_of, settled


@pytest.mark.parametrize(
    ("value", "node"),
    [
        ("arn:aws:lambda:us-east-1:1:function:worker", "lambda:worker"),
        ("arn:aws:lambda:us-east-1:1:function:worker:live", "lambda:worker"),
        ("arn:aws:dynamodb:us-east-1:1:table/Orders", "dynamodb:Orders"),
        ("arn:aws:dynamodb:us-east-1:1:table/Orders/stream/2026-01-01T00:00:00.000", "dynamodb:Orders"),
        ("arn:aws:sqs:us-east-1:1:jobs", "sqs:jobs"),
        ("http://127.0.0.1:4566/000000000000/jobs.fifo", "sqs:jobs.fifo"),
        ("http://example.com/elsewhere", ""),
        ("arn:aws:sns:us-east-1:1:placed:0a1b", "sns:placed"),
        ("arn:aws:s3:::pictures/*", "s3:pictures"),
        ("arn:aws:states:us-east-1:1:stateMachine:order", "stepfunctions:order"),
        ("arn:aws:states:us-east-1:1:execution:order:e1", "stepfunctions:order"),
        ("arn:aws:states:::lambda:invoke", ""),
        ("arn:aws:events:us-east-1:1:event-bus/shop", "events:shop"),
        (
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
            "arn:aws:lambda:us-east-1:1:function:api/invocations",
            "lambda:api",
        ),
        ("arn:aws:iam::1:role/app", "iam:app"),
        ("arn:aws", ""),
        ("plain words", ""),
    ],
)
def test_what_an_arn_or_url_names(value: str, node: str) -> None:
    assert node_of(value) == node


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        ("dynamodbstreams:Orders", "dynamodb:Orders"),
        ("dynamodbstreams", ""),
        ("lambda:f:live", "lambda:f"),
        ("events", "events:default"),
        ("client", "client"),
    ],
)
def test_a_hops_end_on_the_map(node: str, shown: str) -> None:
    assert settled(node) == shown


@pytest.mark.parametrize(
    ("service", "operation", "counts"),
    [
        ("lambda", "Invoke", True),
        ("lambda", "CreateFunction", False),
        ("lambda", "GetFunctionConfiguration", False),
        ("lambda", "DeleteFunctionConcurrency", False),
        ("dynamodb", "DeleteItem", True),
        ("dynamodb", "DeleteTable", False),
        ("dynamodb", "BatchWriteItem", True),
        ("s3", "GetObject", True),
        ("s3", "ListObjectsV2", True),
        ("s3", "PutBucketPolicy", False),
        ("sqs", "GetQueueAttributes", False),
        ("sqs", "DeleteMessageBatch", True),
        ("stepfunctions", "StartExecution", True),
        ("stepfunctions", "DescribeExecution", False),
        ("events", "PutRule", False),
    ],
)
def test_what_is_an_applications_work(service: str, operation: str, counts: bool) -> None:
    assert is_traffic(service, operation, False) is counts


def test_every_data_plane_is_work() -> None:
    assert is_traffic("apigatewayv2", "execute-api", True)


@pytest.mark.parametrize(
    ("node", "app"),
    [
        ("s3:orders-code", "orders"),
        ("lambda:us-east-1.site-resize", "site"),
        ("lambda:chat-room-greet", "chat-room"),
        ("lambda:chatty", ""),
        ("lambda:order", ""),
        ("dynamodb:site", "site"),
        ("client", ""),
    ],
)
def test_a_name_begins_with_its_application_s(node: str, app: str) -> None:
    assert named_for(node, {"orders", "site", "chat", "chat-room", ""}) == app
