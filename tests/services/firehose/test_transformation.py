"""Records transformed by a function, partitioned by keys; what fails is told in S3."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

Objects = Callable[[], dict[str, bytes]]
Zipped = Callable[[dict[str, str]], bytes]
ROLE = "arn:aws:iam::000000000000:role/firehose"
pytestmark = pytest.mark.kumoi_clock

FUNCTION = """
import base64, json
def handler(event, context):
    assert event["invocationId"] and event["deliveryStreamArn"] and event["region"] == "us-east-1"
    out = []
    for record in event["records"]:
        text = base64.b64decode(record["data"]).decode()
        assert record["approximateArrivalTimestamp"] > 1e12
        if text == "crash":
            raise ValueError("no")
        if text == "forget":
            continue
        result = {"drop": "Dropped", "fail": "ProcessingFailed"}.get(text, "Ok")
        one = {"recordId": record["recordId"], "result": result,
               "data": base64.b64encode(text.upper().encode()).decode()}
        if text.startswith("key="):
            one["metadata"] = {"partitionKeys": {"key": text[4:]}}
        out.append(one)
        if text == "twice":
            out.append(one)
    return {"records": out}
"""


@pytest.fixture
def function(kumoi: Any, zipped: Zipped) -> str:
    made = kumoi.client("lambda").create_function(
        FunctionName="transform",
        Runtime="python3.11",
        Handler="f.handler",
        Role=ROLE,
        Code={"ZipFile": zipped({"f.py": FUNCTION})},
        Timeout=10,
    )
    return str(made["FunctionArn"])


def processing(*processors: tuple[str, dict[str, str]]) -> dict[str, Any]:
    listed = [
        {"Type": kind, "Parameters": [{"ParameterName": n, "ParameterValue": v} for n, v in given.items()]}
        for kind, given in processors
    ]
    return {"Enabled": True, "Processors": listed}


def put(firehose: Any, *contents: bytes) -> None:
    records = [{"Data": one} for one in contents]
    assert firehose.put_record_batch(DeliveryStreamName="clicks", Records=records)["FailedPutCount"] == 0


def failures(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_a_function_changes_drops_and_fails_records(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], function: str, objects: Objects
) -> None:
    new_stream(Prefix="in/", ProcessingConfiguration=processing(("Lambda", {"LambdaArn": function})))
    put(firehose, b"a", b"drop", b"fail", b"b")
    kumoi.advance(300)
    found = {key.partition("/2")[0]: content for key, content in objects().items()}
    assert found["in"] == b"AB"
    [told] = failures(found["in/processing-failed"])
    assert told["errorCode"] == "Lambda.ProcessingFailedStatus"
    assert base64.b64decode(told["rawData"]) == b"fail"
    assert (told["attemptsMade"], told["lambdaArn"]) == (1, function)


@pytest.mark.parametrize(
    ("content", "code", "attempts"),
    [
        (b"crash", "Lambda.FunctionError", 3),
        (b"forget", "Lambda.MissingRecordId", 3),
        (b"twice", "Lambda.DuplicatedRecordId", 3),
    ],
)
def test_a_batch_that_fails_is_tried_again_and_told(
    kumoi: Any,
    firehose: Any,
    new_stream: Callable[..., str],
    function: str,
    objects: Objects,
    content: bytes,
    code: str,
    attempts: int,
) -> None:
    kumoi.client("logs").create_log_group(logGroupName="/firehose")
    new_stream(
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/!{timestamp:yyyy}/",
        ProcessingConfiguration=processing(("Lambda", {"LambdaArn": function, "NumberOfRetries": "2"})),
        CloudWatchLoggingOptions={"Enabled": True, "LogGroupName": "/firehose", "LogStreamName": "errors"},
    )
    put(firehose, b"good", content)
    kumoi.advance(300)
    [(key, told)] = objects().items()
    assert key.startswith(f"bad/processing-failed/{kumoi.now():%Y}/")
    assert [(one["errorCode"], one["attemptsMade"]) for one in failures(told)] == [(code, attempts)] * 2
    logged = kumoi.client("logs").get_log_events(logGroupName="/firehose", logStreamName="errors")["events"]
    assert json.loads(logged[0]["message"])["errorCode"] == code


def test_a_function_that_is_missing_is_told(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], objects: Objects
) -> None:
    missing = f"arn:aws:lambda:us-east-1:{kumoi.account}:function:missing"
    new_stream(ProcessingConfiguration=processing(("Lambda", {"LambdaArn": missing})))
    put(firehose, b"x")
    kumoi.advance(300)
    [told] = [line for content in objects().values() for line in failures(content)]
    assert (told["errorCode"], told["attemptsMade"]) == ("Lambda.ResourceNotFound", 1)


def test_large_buffers_come_in_batches(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], function: str, objects: Objects
) -> None:
    lambda_ = {"LambdaArn": function, "BufferSizeInMBs": "0.5"}
    new_stream(ProcessingConfiguration=processing(("Lambda", lambda_)))
    put(firehose, *[bytes(400_000)] * 4)
    kumoi.advance(300)
    assert [len(one) for one in objects().values()] == [1_600_000]


def test_records_are_partitioned_by_what_a_query_finds(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], objects: Objects
) -> None:
    query = '{customer: .customer, day: (.at|strftime("%Y-%m-%d"))}'
    new_stream(
        Prefix="c=!{partitionKeyFromQuery:customer}/d=!{partitionKeyFromQuery:day}/!{timestamp:yyyy}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration=processing(
            ("MetadataExtraction", {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"}),
            ("RecordDeAggregation", {"SubRecordType": "JSON"}),
            ("AppendDelimiterToRecord", {"Delimiter": "\\n"}),
        ),
    )
    put(firehose, b'{"customer":"a","at":0}{"customer":"b","at":0}', b'{"customer":"a","at":1}', b'{"at":2}')
    kumoi.advance(300)
    found = {key.rpartition(f"/{kumoi.now():%Y}")[0]: content for key, content in objects().items()}
    bad = found.pop("")
    assert found == {
        "c=a/d=1970-01-01": b'{"customer":"a","at":0}\n{"customer":"a","at":1}\n',
        "c=b/d=1970-01-01": b'{"customer":"b","at":0}\n',
    }
    [told] = failures(bad)
    assert told["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"


def test_records_are_partitioned_by_what_a_function_says(
    kumoi: Any, firehose: Any, new_stream: Callable[..., str], function: str, objects: Objects
) -> None:
    new_stream(
        Prefix="!{partitionKeyFromLambda:key}/!{timestamp:yyyy}/",
        ErrorOutputPrefix="bad/!{firehose:error-output-type}/",
        DynamicPartitioningConfiguration={"Enabled": True},
        ProcessingConfiguration=processing(("Lambda", {"LambdaArn": function})),
    )
    put(firehose, b"key=a", b"key=b", b"without")
    kumoi.advance(300)
    assert sorted(key.partition("/")[0] for key in objects()) == ["a", "b", "bad"]
