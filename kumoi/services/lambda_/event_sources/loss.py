"""What a failure destination is told of stream records that were given up. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson

from kumoi.names import uuid
from kumoi.services.lambda_.event_sources.records import Mapping
from kumoi.services.lambda_.event_sources.stream_events import StreamRecord


class Loss(NamedTuple):
    """Why records were given up: after how many invocations, and with which last answer."""

    condition: Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]
    invocations: int
    answer: dict[str, Any] | None = None


def loss_record(
    mapping: Mapping, shard: str, records: Sequence[StreamRecord], loss: Loss, now: float, *, with_payload: bool
) -> dict[str, Any]:
    """The record for a failure destination; a bucket gets the lost records, too."""
    first, last = records[0], records[-1]
    told: dict[str, Any] = {
        "requestContext": {
            "requestId": uuid(),
            "functionArn": mapping.function_arn,
            "condition": loss.condition,
            "approximateInvokeCount": loss.invocations,
        },
        "version": "1.0",
        "timestamp": _stamp(now),
        "KinesisBatchInfo" if mapping.kind == "kinesis" else "DDBStreamBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": _stamp(first.arrived),
            "approximateArrivalOfLastRecord": _stamp(last.arrived),
            "batchSize": len(records),
            "streamArn": mapping.source_arn,
        },
    }
    if loss.answer is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": loss.answer["ExecutedVersion"]}
        if "FunctionError" in loss.answer:
            context["functionError"] = loss.answer["FunctionError"]
        told["responseContext"] = context
    if with_payload:
        told["payload"] = orjson.dumps({"Records": [record.event for record in records]}).decode()
    return told


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
