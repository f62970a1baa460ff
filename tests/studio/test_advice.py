from __future__ import annotations

import json
from typing import Any

from kumoi.studio.advice import advice

REDRIVE = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:1:dead", "maxReceiveCount": 3})


def told(queue: dict[str, str], timeout: int, via: str = "event source") -> dict[str, list[str]]:
    details: dict[str, Any] = {"sqs:q": {"Attributes": queue}, "lambda:f": {"Timeout": timeout}}
    return advice(details, {("sqs:q", "lambda:f"): via})


def test_a_queue_that_starts_a_function() -> None:
    assert told({"RedrivePolicy": REDRIVE, "VisibilityTimeout": "60"}, 10) == {}
    [short] = told({"RedrivePolicy": REDRIVE, "VisibilityTimeout": "59"}, 10)["sqs:q"]
    assert "59 s" in short
    [without] = told({"VisibilityTimeout": "60"}, 10)["sqs:q"]
    assert "no dead-letter queue" in without


def test_a_queue_that_nothing_polls_needs_no_advice() -> None:
    assert told({"VisibilityTimeout": "1"}, 10, via="environment") == {}


def test_a_function_that_outlives_its_api() -> None:
    edges = {("apigatewayv2:a", "lambda:f"): "route"}
    assert "60 s" in advice({"lambda:f": {"Timeout": 60}}, edges)["lambda:f"][0]
    assert advice({"lambda:f": {"Timeout": 30}}, edges) == {}


def test_what_could_not_be_described_is_left_alone() -> None:
    assert advice({}, {("sqs:q", "lambda:f"): "event source"}) == {}


def test_a_function_that_starts_itself() -> None:
    edges = {("s3:pictures", "lambda:f"): "notification", ("lambda:f", "s3:pictures"): "environment"}
    [loop] = advice({}, edges, {("lambda:f", "s3:pictures"): ["GetObject", "PutObject"]})["lambda:f"]
    assert "writes to what starts it, pictures" in loop
    assert advice({}, edges, {("lambda:f", "s3:pictures"): ["GetObject"]}) == {}
    assert advice({}, edges) == {}
