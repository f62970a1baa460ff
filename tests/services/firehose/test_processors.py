"""Processors that are rules alone: records decompressed, reduced to messages, split."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest

from kumoi.services.firehose.flow import Flowing
from kumoi.services.firehose.processors import Processing, opened, processing_of


def configured(*processors: tuple[str, dict[str, str]]) -> Processing:
    listed = [
        {"Type": kind, "Parameters": [{"ParameterName": n, "ParameterValue": v} for n, v in given.items()]}
        for kind, given in processors
    ]
    return processing_of({"Enabled": True, "Processors": listed})


JSON = ("RecordDeAggregation", {"SubRecordType": "JSON"})


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b'{"a":1}{"a":2}', [b'{"a":1}', b'{"a":2}']),
        (b'{"a":{"b":1}}\n {"a":"}{\\""}\n', [b'{"a":{"b":1}}', b'{"a":"}{\\""}']),
        (b"", []),
        (b'[{"a":1}]', None),
        (b'{"a":1', None),
    ],
)
def test_json_objects_that_follow_one_another_are_split(content: bytes, parts: list[bytes] | None) -> None:
    found, failed = opened(configured(JSON), [Flowing("1", content, 0.0)], 1.0)
    assert [one.content for one in found] == (parts or [])
    assert len(failed) == (parts is None)
    assert len({one.id for one in found}) == len(found)


def test_delimited_parts() -> None:
    separator = base64.b64encode(b"####").decode()
    processing = configured(("RecordDeAggregation", {"SubRecordType": "DELIMITED", "Delimiter": separator}))
    found, failed = opened(processing, [Flowing("1", b"a####b####", 0.0)], 1.0)
    assert ([one.content for one in found], failed) == ([b"a", b"b"], [])
    _, [refused] = opened(processing, [Flowing("1", b"a####" * 501, 0.0)], 1.0)
    assert refused.code == "RecordDeAggregation.LimitExceeded"


def envelope(kind: str, *messages: str) -> bytes:
    told: dict[str, Any] = {
        "messageType": kind,
        "logEvents": [{"id": "1", "timestamp": 1, "message": m} for m in messages],
    }
    return gzip.compress(json.dumps(told).encode())


def test_messages_of_cloudwatch_logs_are_taken_out() -> None:
    processing = configured(
        ("Decompression", {"CompressionFormat": "GZIP"}), ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"})
    )
    records = [
        Flowing("1", envelope("DATA_MESSAGE", "one", "two"), 0.0),
        Flowing("2", envelope("CONTROL_MESSAGE", "health"), 0.0),
        Flowing("3", b"plain", 5.0),
        Flowing("4", gzip.compress(b"{}"), 5.0),
    ]
    found, failed = opened(processing, records, 9.0)
    assert [one.content for one in found] == [b"one\ntwo\n"]
    assert [(one.record.id, one.code) for one in failed] == [
        ("3", "DecompressionFailed"),
        ("4", "CloudWatchLogProcessingFailed"),
    ]
    line = json.loads(failed[0].line())
    assert line["rawData"] == base64.b64encode(b"plain").decode()
    assert (line["arrivalTimestamp"], line["attemptEndingTimestamp"], line["attemptsMade"]) == (5000, 9000, 1)


def test_a_configuration_that_is_turned_off_asks_for_nothing() -> None:
    assert processing_of({"Enabled": False, "Processors": [{"Type": "Lambda"}]}) == Processing()
    assert processing_of(None) == Processing()
    assert configured(("AppendDelimiterToRecord", {})).delimiter == b"\n"
