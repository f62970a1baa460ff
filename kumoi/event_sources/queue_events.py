"""SQS messages as records of a batch, and how filters see them. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

MAX_BATCH_BYTES = 6_000_000


def record_of(message: Mapping[str, Any], queue_arn: str, region: str) -> dict[str, Any]:
    """One record of the event."""
    record: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {name: str(value) for name, value in message.get("Attributes", {}).items()},
        "messageAttributes": {
            name: _attribute(value) for name, value in (message.get("MessageAttributes") or {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
    if message.get("MD5OfMessageAttributes"):
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def filtered_form(record: Mapping[str, Any], pattern: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record as a pattern sees it; None when body and pattern are of different kinds, which never match."""
    wanted = pattern.get("body")
    if wanted is None:
        return dict(record)
    try:
        body: Any = orjson.loads(record["body"])
    except orjson.JSONDecodeError:
        body = record["body"]
    if isinstance(wanted, dict) != isinstance(body, dict):
        return None
    return {**record, "body": body if isinstance(wanted, dict) else record["body"]}


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        shown["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        shown["binaryValue"] = base64.b64encode(value["BinaryValue"]).decode()
    return shown
