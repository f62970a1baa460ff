"""What the segments of all services share: outcomes by status, exceptions, the subsegments of calls made."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Hop
from kumoi.doorway.call import caller_side
from kumoi.names import hex_id
from kumoi.services.xray.traces import Document

_THROTTLES = frozenset(
    {
        *("TooManyRequestsException", "ThrottlingException", "Throttling", "ThrottledException"),
        *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "SlowDown"),
    }
)
_FAULTS = frozenset({"InternalFailure", "InternalServerError", "ServiceException", "ServiceUnavailable", "Dropped"})

RAN = "lambda:millisecond"
"""What a function that ran is metered by, however it ended."""

_NAMES = {
    "lambda": "Lambda",
    "dynamodb": "DynamoDB",
    "sqs": "SQS",
    "sns": "SNS",
    "s3": "S3",
    "events": "EventBridge",
    "stepfunctions": "STEPFUNCTIONS",
    "kinesis": "Kinesis",
    "rds-data": "RDSData",
}
"""How AWS's services name the calls they make."""


def marks(status: int) -> Document:
    """The outcome that an HTTP status means."""
    if status >= 500:
        return {"fault": True}
    if status == 429:
        return {"error": True, "throttle": True}
    return {"error": True} if status >= 400 else {}


def outcome(hop: Hop) -> tuple[int, Document]:
    """The status that a call of AWS's answered with, and its marks; a function's own failure is an answer."""
    if hop.outcome == "ok":
        return 200, {}
    if RAN in hop.units:
        return 200, {"fault": True}
    status = 429 if hop.outcome in _THROTTLES else 500 if hop.outcome in _FAULTS else 400
    return status, marks(status)


def cause(kind: str, message: str, stack: list[Document] | None = None) -> Document:
    """What went wrong, as an exception."""
    exception: Document = {"id": hex_id(16), "type": kind, "message": message[:250]}
    if stack:
        exception["stack"] = stack
    return {"exceptions": [exception]}


def call_made(hop: Hop) -> Document:
    """The subsegment that a call is for the traced call that made it."""
    began = hop.time / 1000
    status, found = outcome(hop)
    name = hop.target.partition(":")[2]
    aws: dict[str, Any] = {"operation": hop.operation, "region": hop.region, "request_id": hop.request_id}
    member = {
        "lambda": "function_name",
        "dynamodb": "table_name",
        "sqs": "queue_url",
        "s3": "bucket_name",
        "sns": "topic_arn",
    }.get(hop.service)
    if name:
        aws["resource_names"] = [name]
        if member is not None:
            aws[member] = name
    document: Document = {
        "id": caller_side(hop.span),
        "name": _NAMES.get(hop.service, hop.service.upper()),
        "start_time": began,
        "end_time": began + hop.duration_us / 1e6,
        "namespace": "aws",
        "http": {"response": {"status": status, "content_length": hop.response_bytes}},
        "aws": aws,
        **found,
    }
    if status >= 400:
        document["cause"] = cause(hop.outcome, hop.outcome)
    return document


def within(start: float, end: float, value: float) -> float:
    """A moment, moved to lie between two others."""
    return min(max(value, start), end)


def given(**members: Any) -> dict[str, Any]:
    """The members that have a value."""
    return {name: value for name, value in members.items() if value not in (None, "")}
