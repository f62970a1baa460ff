"""What follows an asynchronous invocation: the record for a destination, the event for a dead-letter queue.

Pure, but for `deliver`, which hands one of them over by a call. Rules: "Capturing records of Lambda asynchronous
invocations" of the developer guide, and recorded messages.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import orjson

from kumoi.doorway import Doorway, Trace
from kumoi.names import uuid
from kumoi.services.lambda_.lookup import acting_for

_MESSAGE_BYTES = 1024


class Delivery(msgspec.Struct, frozen=True):
    """Something to hand over to a target, an ARN. `attributes` are a dead letter's; `success`: what it reports.

    `folder`: where a bucket keeps it, if not with what the function's asynchronous invocations left.
    """

    kind: Literal["destination", "dead-letter"]
    target: str
    body: bytes
    success: bool = False
    function_arn: str = ""
    attributes: dict[str, tuple[str, str]] = {}
    folder: str = ""


class Ended(msgspec.Struct, frozen=True):
    """How an asynchronous event ended: its last answer, if there was one, and why no more is tried."""

    condition: Literal["Success", "RetriesExhausted", "EventAgeExceeded"]
    invocations: int
    executed_version: str | None = None
    function_error: str | None = None
    response: bytes | None = None
    fault: str | None = None


def record_of(request_id: str, function_arn: str, payload: bytes, ended: Ended, now: float) -> dict[str, Any]:
    """The invocation record that a destination gets; `function_arn` is qualified."""
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": _stamp(now),
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": ended.condition,
            "approximateInvokeCount": ended.invocations,
        },
        "requestPayload": orjson.loads(payload),
    }
    if ended.response is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": ended.executed_version}
        if ended.function_error is not None:
            context["functionError"] = ended.function_error
        record["responseContext"] = context
        record["responsePayload"] = _parsed(ended.response)
    return record


def dead_letter_attributes(request_id: str, ended: Ended) -> dict[str, tuple[str, str]]:
    """The message attributes of a dead letter: (type, value) by name."""
    message = ended.fault or ""
    if ended.response is not None:
        answer = _parsed(ended.response)
        message = str(answer.get("errorMessage", "")) if isinstance(answer, dict) else ""
    attributes = {"RequestID": ("String", request_id), "ErrorCode": ("Number", "200" if ended.response else "429")}
    if message:
        attributes["ErrorMessage"] = ("String", message.encode()[:_MESSAGE_BYTES].decode("utf-8", "ignore"))
    return attributes


async def deliver(doorway: Doorway, delivery: Delivery, source: str, trace: Trace, now: float) -> None:
    """Hand a delivery over; raises the target's AwsError."""
    _, _, service, region, _, resource = delivery.target.split(":", 5)
    caller = await acting_for(doorway.state, delivery.function_arn, source)
    operation, params = _message(service, resource, delivery, now)
    await doorway.ask(service, operation, params, caller, region or delivery.function_arn.split(":")[3], trace)


def _message(service: str, resource: str, delivery: Delivery, now: float) -> tuple[str, dict[str, Any]]:
    """The call that a target of a service gets."""
    text = delivery.body.decode()
    attributes = {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in delivery.attributes.items()}
    extra = {"MessageAttributes": attributes} if attributes else {}
    if service == "sqs":
        return "SendMessage", {"QueueUrl": delivery.target, "MessageBody": text, **extra}
    if service == "sns":
        return "Publish", {"TopicArn": delivery.target, "Message": text, **extra}
    if service == "events":
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {'Success' if delivery.success else 'Failure'}",
            "Resources": [delivery.target, delivery.function_arn],
            "Detail": text,
            "EventBusName": delivery.target,
        }
        return "PutEvents", {"Entries": [entry]}
    if service == "s3":
        folder = delivery.folder or f"aws/lambda/async/{delivery.function_arn.split(':')[6]}"
        moment = datetime.fromtimestamp(now, UTC)
        key = f"{folder}/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-{uuid()}"
        return "PutObject", {"Bucket": resource, "Key": key, "Body": delivery.body}
    return "Invoke", {"FunctionName": delivery.target, "InvocationType": "Event", "Payload": delivery.body}


def _parsed(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")


def _stamp(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
