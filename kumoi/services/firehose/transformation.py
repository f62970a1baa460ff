"""Records passed through a function, in batches; what it says of each.

Source: "Transform source data" of the developer guide, and its page on Lambda invocation errors, whose codes these are.
A batch that fails is tried again at once: a pause on the platform's clock would hold up whoever advances it.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from kumoi.doorway import CallDropped, Doorway
from kumoi.names import Arn, uuid
from kumoi.services.firehose.flow import Failed, Flowing
from kumoi.services.firehose.processors import Function
from kumoi.services.firehose.records import DeliveryStream
from kumoi.wire.errors import AwsError

_PARSING = (
    "Lambda.JsonProcessingException",
    "There was an error parsing returned records from the Lambda function. Ensure that the returned records follow the "
    "status model required by Amazon Data Firehose.",
)
_MISSING = (
    "Lambda.MissingRecordId",
    "One or more record Ids were not returned. Ensure that the Lambda function returns all received record Ids.",
)
_DUPLICATED = (
    "Lambda.DuplicatedRecordId",
    "Multiple records were returned with the same record ID. Ensure that the Lambda function returns unique record IDs "
    "for each record.",
)
_STATUS = ("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record")
_FUNCTION = (
    "Lambda.FunctionError",
    "The Lambda function was successfully invoked but it returned an error result.",
)
_CODES = {
    "ResourceNotFoundException": "Lambda.ResourceNotFound",
    "AccessDeniedException": "Lambda.InvokeAccessDenied",
    "TooManyRequestsException": "Lambda.InvokeLimitExceeded",
}
_FINAL = ("Lambda.ResourceNotFound", "Lambda.InvokeAccessDenied")


class _Refused(Exception):
    """A batch that the function did not take, or did not answer as it has to."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Transformed(NamedTuple):
    """What came of records: those that go on, those that failed, and how many were dropped."""

    records: list[Flowing]
    failed: list[Failed]
    dropped: int


async def transformed(
    doorway: Doorway, stream: DeliveryStream, function: Function, records: Sequence[Flowing]
) -> Transformed:
    """Pass records through a function."""
    done = Transformed([], [], 0)
    for batch in _batches(records, function.most_bytes):
        records_of, failed, dropped = await _batch(doorway, stream, function, batch)
        done = Transformed(done.records + records_of, done.failed + failed, done.dropped + dropped)
    return done


def _batches(records: Sequence[Flowing], most: int) -> Iterator[Sequence[Flowing]]:
    begin, size = 0, 0
    for at, record in enumerate(records):
        if at > begin and size + len(record.content) > most:
            yield records[begin:at]
            begin, size = at, 0
        size += len(record.content)
    if records:
        yield records[begin:]


async def _batch(doorway: Doorway, stream: DeliveryStream, function: Function, batch: Sequence[Flowing]) -> Transformed:
    attempts = 0
    payload = orjson.dumps(_event(stream, batch))
    while True:
        attempts += 1
        try:
            answer = await _invoke(doorway, stream, function, payload)
            return _sorted(function, batch, _results(answer, batch), attempts, doorway.clock.now())
        except _Refused as error:
            if attempts > function.retries or error.code in _FINAL:
                now, told = doorway.clock.now(), {"lambdaArn": function.arn}
                failed = [
                    Failed("processing-failed", one, error.code, error.message, attempts, now, told) for one in batch
                ]
                return Transformed([], failed, 0)


def _event(stream: DeliveryStream, batch: Sequence[Flowing]) -> dict[str, Any]:
    event: dict[str, Any] = {
        "invocationId": uuid(),
        "deliveryStreamArn": stream.arn,
        "region": stream.region,
        "records": [_shown(one) for one in batch],
    }
    if stream.source is not None:
        event["sourceKinesisStreamArn"] = stream.source.stream
    return event


def _shown(record: Flowing) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "recordId": record.id,
        "approximateArrivalTimestamp": int(record.arrived * 1000),
        "data": base64.b64encode(record.content).decode(),
    }
    if record.place is not None:
        shown["kinesisRecordMetadata"] = {
            "shardId": record.place.shard,
            "partitionKey": record.place.partition_key,
            "approximateArrivalTimestamp": int(record.place.arrived * 1000),
            "sequenceNumber": record.place.sequence_number,
            "subsequenceNumber": 0,
        }
    return shown


async def _invoke(doorway: Doorway, stream: DeliveryStream, function: Function, payload: bytes) -> bytes:
    params = {"FunctionName": function.arn, "InvocationType": "RequestResponse", "Payload": payload}
    caller = stream.acting(function.role or stream.destination.get("RoleARN"))
    region = Arn.parse(function.arn).region or stream.region
    try:
        answer = await doorway.ask("lambda", "Invoke", params, caller, region)
    except AwsError as error:
        raise _Refused(_CODES.get(error.code, f"Lambda.{error.code}"), error.message) from None
    except CallDropped:
        raise _Refused("Lambda.FunctionTimedOut", "The invoked function did not answer.") from None
    if "FunctionError" in answer:
        if b"Task timed out" in answer["Payload"]:
            raise _Refused("Lambda.FunctionTimedOut", "The invoked function timed out.")
        raise _Refused(*_FUNCTION)
    return bytes(answer["Payload"])


def _results(answer: bytes, batch: Sequence[Flowing]) -> Mapping[str, Mapping[str, Any]]:
    """What a function says of each record, by id."""
    try:
        told = orjson.loads(answer or b"null")["records"]
        ids = Counter(str(one["recordId"]) for one in told)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise _Refused(*_PARSING) from None
    if any(count > 1 for count in ids.values()):
        raise _Refused(*_DUPLICATED)
    if any(one.id not in ids for one in batch):
        raise _Refused(*_MISSING)
    return {str(one["recordId"]): one for one in told}


def _sorted(
    function: Function,
    batch: Sequence[Flowing],
    results: Mapping[str, Mapping[str, Any]],
    attempts: int,
    now: float,
) -> Transformed:
    done = Transformed([], [], 0)
    dropped = 0
    for record in batch:
        told = results[record.id]
        verdict = told.get("result")
        if verdict == "Dropped":
            dropped += 1
            continue
        try:
            if verdict == "ProcessingFailed":
                raise _Refused(*_STATUS)
            if verdict != "Ok":
                raise _Refused(*_PARSING)
            done.records.append(_changed(record, told))
        except _Refused as error:
            members = {"lambdaArn": function.arn}
            done.failed.append(Failed("processing-failed", record, error.code, error.message, attempts, now, members))
    return done._replace(dropped=dropped)


def _changed(record: Flowing, told: Mapping[str, Any]) -> Flowing:
    try:
        content = base64.b64decode(told["data"], validate=True)
        keys = (told.get("metadata") or {}).get("partitionKeys") or {}
        texts = {str(name): str(value) for name, value in keys.items() if value is not None}
    except (binascii.Error, KeyError, TypeError, ValueError, AttributeError):
        raise _Refused(*_PARSING) from None
    return record._replace(content=content, keys=record.keys._replace(function=texts))
