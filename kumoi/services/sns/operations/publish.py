"""Publish and PublishBatch: to a topic's subscribers; Publish also to one phone or one app on a device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil
from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.sns import sns
from kumoi.services.sns.dispatcher import Dispatcher
from kumoi.services.sns.letters import store
from kumoi.services.sns.lookup import find_topic, home
from kumoi.services.sns.message import Message, fails_the_batch, message_of, size_of
from kumoi.services.sns.naming import invalid, parse_arn
from kumoi.services.sns.notification import Handover
from kumoi.services.sns.platforms import find_endpoint
from kumoi.services.sns.publishing import Published, publish
from kumoi.services.sns.records import Topic
from kumoi.wire.errors import AwsError, aws_error

MOST_ENTRIES = 10
MOST_BYTES = 262_144
UNIT_BYTES = 65_536
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]+")
_PHONE = re.compile(r"\+[1-9][0-9]{4,14}")


@sns.operation(name="Publish")
async def publish_message(
    call: Call,
    Message: str,
    TopicArn: str | None = None,
    TargetArn: str | None = None,
    PhoneNumber: str | None = None,
    Subject: str | None = None,
    MessageStructure: str | None = None,
    MessageAttributes: dict[str, dict[str, Any]] | None = None,
    MessageDeduplicationId: str | None = None,
    MessageGroupId: str | None = None,
) -> dict[str, Any]:
    """Publish a message; once this answers, every subscription that wants it will get it."""
    if sum(target is not None for target in (TopicArn, TargetArn, PhoneNumber)) != 1:
        raise invalid("TopicArn or TargetArn Reason: exactly one of TopicArn, TargetArn and PhoneNumber is required")
    call.meter("publishes", max(ceil(size_of(Message, MessageAttributes or {}) / UNIT_BYTES), 1))
    if PhoneNumber is not None:
        if not _PHONE.fullmatch(PhoneNumber):
            raise invalid(f"PhoneNumber Reason: {PhoneNumber} is not valid to publish to")
        return await _to_one(call, "sms", PhoneNumber, message_of(call.params, None).text_for("sms"))
    arn, parameter = (TopicArn, "TopicArn") if TopicArn is not None else (TargetArn or "", "TargetArn")
    if parse_arn(arn, parameter).resource.startswith("endpoint/"):
        endpoint = await find_endpoint(call, arn, parameter)
        if endpoint.attributes.get("Enabled", "true").lower() != "true":
            raise aws_error("EndpointDisabledException", "Endpoint is disabled")
        return await _to_one(call, "application", arn, message_of(call.params, None).text_for(endpoint.platform))
    topic = await find_topic(call, arn, parameter)
    (done,) = await _to_topic(call, topic, [message_of(call.params, topic)])
    return _answer(done)


@sns.operation
async def publish_batch(call: Call, TopicArn: str, PublishBatchRequestEntries: list[dict[str, Any]]) -> dict[str, Any]:
    """Publish up to ten messages, in one transaction; each is taken, or refused with a code of its own."""
    entries = PublishBatchRequestEntries
    topic = await find_topic(call, TopicArn)
    _check_entries(entries, int(topic.attributes.get("MaximumMessageSize") or MOST_BYTES))
    messages: dict[str, Message] = {}
    failed = []
    for entry in entries:
        try:
            messages[entry["Id"]] = message_of(entry, topic)
        except AwsError as error:
            if fails_the_batch(error):
                raise
            failed.append(_failure(entry["Id"], error))
    units = sum(max(ceil(size_of(one.text, one.attributes) / UNIT_BYTES), 1) for one in messages.values())
    call.meter("publishes", units)
    done = await _to_topic(call, topic, list(messages.values())) if messages else []
    successful = [{"Id": identifier, **_answer(one)} for identifier, one in zip(messages, done, strict=True)]
    return {"Successful": successful, "Failed": failed}


def _check_entries(entries: Sequence[dict[str, Any]], most_bytes: int) -> None:
    """Refuse a batch that is none, has too many entries, is too long, or has entries that cannot be told apart."""
    if not entries:
        raise aws_error("EmptyBatchRequestException", "The batch request doesn't contain any entries.")
    if len(entries) > MOST_ENTRIES:
        raise aws_error(
            "TooManyEntriesInBatchRequestException", "The batch request contains more entries than permissible."
        )
    seen: set[str] = set()
    for entry in entries:
        identifier = entry["Id"]
        if len(identifier) > 80:
            raise aws_error(
                "InvalidBatchEntryIdException",
                f"The Id of a batch entry in the batch request is too long: {identifier}",
            )
        if not _ENTRY_ID.fullmatch(identifier):
            raise aws_error(
                "InvalidBatchEntryIdException",
                f"The Id of a batch entry in the batch request contains an impermissible character: {identifier}",
            )
        if identifier in seen:
            raise aws_error(
                "BatchEntryIdsNotDistinctException", "Two or more batch entries in the request have the same Id."
            )
        seen.add(identifier)
    if sum(size_of(entry["Message"], entry.get("MessageAttributes") or {}) for entry in entries) > most_bytes:
        raise aws_error(
            "BatchRequestTooLongException", "The length of all the messages put together is more than the limit."
        )


_CODES = {"InvalidParameterException": "InvalidParameter", "InvalidParameterValueException": "ParameterValueInvalid"}


def _failure(identifier: str, error: AwsError) -> dict[str, Any]:
    code = _CODES.get(error.code, error.code)
    return {"Id": identifier, "Code": code, "Message": error.message, "SenderFault": True}


async def _to_topic(call: Call, topic: Topic, messages: list[Message]) -> list[Published]:
    trace = call.trace.chained(call.span)
    done = await publish(home(call, topic), call.part(Dispatcher), topic.name, messages, trace)
    call.meter("sns:messages", len(messages))
    for one in done:
        for protocol, count in one.deliveries.items():
            call.meter(f"deliveries_{protocol}", count)
    return done


async def _to_one(call: Call, protocol: str, endpoint: str, text: str) -> dict[str, Any]:
    identifier = uuid()
    one = Handover(
        topic="",
        subscription="",
        protocol=protocol,
        endpoint=endpoint,
        message_id=identifier,
        text=text,
        time=call.now,
        subject=call.params.get("Subject"),
    )
    await store(call.state, one, text)
    return {"MessageId": identifier}


def _answer(done: Published) -> dict[str, Any]:
    answer = {"MessageId": done.message_id}
    if done.number is not None:
        answer["SequenceNumber"] = done.number
    return answer
