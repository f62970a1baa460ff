"""Functions in pipelines: batches, messages that become others, failures and where they are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Put = Callable[..., None]
Pipeline = Callable[..., None]

CODE = """
def handler(messages, context):
    if any(m.get("n") == 13 for m in messages):
        raise ValueError("thirteen")
    return [{**m, "batch": len(messages), "copy": copy} for m in messages for copy in range(2)]
"""


@pytest.fixture
def function(kumoi: Any, zipped: Callable[[dict[str, str]], bytes]) -> str:
    kumoi.client("lambda").create_function(
        FunctionName="double",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/r",
        Code={"ZipFile": zipped({"app.py": CODE})},
    )
    return "double"


def test_a_function_gets_batches_and_answers_as_many_messages_as_it_likes(
    pipeline: Pipeline, put: Put, function: str, count: Callable[..., int], until: Callable[..., Any]
) -> None:
    pipeline({"lambda": {"lambdaName": function, "batchSize": 4}}, {"filter": {"filter": "batch <= 4"}})
    put([{"n": n} for n in range(10)])
    until(lambda: count() == 20, "not 20 rows")


def test_a_batch_that_fails_is_put_into_the_dead_letter_channel_and_logged(
    client: Any, kumoi: Any, pipeline: Pipeline, put: Put, function: str, count: Callable[..., int], until: Any
) -> None:
    client.put_logging_options(
        loggingOptions={"roleArn": "arn:aws:iam::000000000000:role/r", "level": "ERROR", "enabled": True}
    )
    client.create_channel(channelName="dead")
    activity = {"lambda": {"lambdaName": function, "batchSize": 1}}
    pipeline(activity, tags={"kumoi:deadLetterChannel": "dead"})
    put([{"n": 13}, {"n": 1}])
    until(lambda: count() == 2, "not 2 rows")
    (letter,) = until(lambda: client.sample_channel_data(channelName="dead")["payloads"], "no dead letter")
    told = json.loads(letter)
    assert (told["pipeline"], told["payload"]) == ("p", {"n": 13})
    assert "the function double failed 3 times" in told["reason"]
    events = kumoi.client("logs").get_log_events(logGroupName="/aws/iotanalytics", logStreamName="pipelines/p")[
        "events"
    ]
    assert json.loads(events[0]["message"])["message"] == told["reason"]


def test_a_function_can_be_tried_with_what_is_no_json(client: Any, function: str) -> None:
    activity = {"lambda": {"name": "x", "lambdaName": "gone", "batchSize": 1}}
    answer = client.run_pipeline_activity(pipelineActivity=activity, payloads=[b"{}"])
    assert answer.get("payloads", []) == []
    assert "Function not found" in answer["logResult"]
    activity["lambda"]["lambdaName"] = function
    answer = client.run_pipeline_activity(pipelineActivity=activity, payloads=[b'{"n": 1}'])
    assert [json.loads(one)["copy"] for one in answer["payloads"]] == [0, 1]
