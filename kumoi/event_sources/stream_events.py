"""Records of DynamoDB Streams and Kinesis as those of a batch, and how filters see them. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

MOST_BATCH_BYTES = 6_000_000


class StreamRecord(NamedTuple):
    """One record: its place in the shard, its key for parallel batches, when it came, and what the function gets."""

    sequence_number: str
    key: str
    arrived: float
    event: dict[str, Any]


def dynamodb_record(raw: Mapping[str, Any], stream_arn: str) -> StreamRecord:
    """A record of GetRecords of DynamoDB Streams."""
    change = dict(raw["dynamodb"])
    arrived = _seconds(change.get("ApproximateCreationDateTime", 0))
    change["ApproximateCreationDateTime"] = arrived
    for image in ("Keys", "NewImage", "OldImage"):
        if image in change:
            change[image] = {name: _value(value) for name, value in change[image].items()}
    event = {**raw, "dynamodb": change, "eventSourceARN": stream_arn}
    if "userIdentity" in raw:
        event["userIdentity"] = {
            "type": raw["userIdentity"].get("Type"),
            "principalId": raw["userIdentity"].get("PrincipalId"),
        }
    return StreamRecord(change["SequenceNumber"], repr(sorted(change.get("Keys", {}).items())), arrived, event)


def kinesis_record(raw: Mapping[str, Any], stream_arn: str, shard: str, region: str, role: str) -> StreamRecord:
    """A record of GetRecords of Kinesis."""
    arrived = _seconds(raw["ApproximateArrivalTimestamp"])
    event = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": raw["PartitionKey"],
            "sequenceNumber": raw["SequenceNumber"],
            "data": base64.b64encode(raw["Data"]).decode(),
            "approximateArrivalTimestamp": arrived,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{raw['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": region,
        "eventSourceARN": stream_arn,
    }
    return StreamRecord(raw["SequenceNumber"], raw["PartitionKey"], arrived, event)


def flattened(record: StreamRecord) -> StreamRecord:
    """A record of Kinesis as pipes have it: the members of `kinesis` beside the others."""
    if "kinesis" not in record.event:
        return record
    event = {name: value for name, value in record.event.items() if name != "kinesis"}
    return record._replace(event={**record.event["kinesis"], **event})


def fitting(records: Sequence[StreamRecord]) -> Iterator[Sequence[StreamRecord]]:
    """The records in batches, none of which is too large for an invocation (6 MB); a record more than that is alone."""
    begin, size = 0, 0
    for at, record in enumerate(records):
        more = len(orjson.dumps(record.event)) + 1
        if at > begin and size + more > MOST_BATCH_BYTES:
            yield records[begin:at]
            begin, size = at, 0
        size += more
    if records:
        yield records[begin:]


def filtered_form(event: Mapping[str, Any], pattern: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record as a pattern sees it: Kinesis data decoded under `data`."""
    members = event.get("kinesis", event)
    if "data" not in members:
        return dict(event)
    wanted = pattern.get("data")
    text: Any = None
    try:
        text = base64.b64decode(members["data"]).decode()
        data: Any = orjson.loads(text)
    except (UnicodeDecodeError, binascii.Error, orjson.JSONDecodeError):
        data = text
    if wanted is not None and isinstance(wanted, dict) != isinstance(data, dict):
        return None
    return {**members, "data": data if isinstance(wanted, dict) else text}


def _value(value: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute value as JSON has it: binary in base64."""
    ((kind, content),) = value.items()
    if kind == "B":
        return {"B": base64.b64encode(content).decode()}
    if kind == "BS":
        return {"BS": [base64.b64encode(one).decode() for one in content]}
    if kind == "L":
        return {"L": [_value(one) for one in content]}
    if kind == "M":
        return {"M": {name: _value(one) for name, one in content.items()}}
    return {kind: content}


def _seconds(when: Any) -> float:
    return when.timestamp() if isinstance(when, datetime) else float(when)
