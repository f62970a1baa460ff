"""A message on its way into a queue: checked, and put or recognised as a duplicate."""

from __future__ import annotations

import hashlib
from typing import Any

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.sqs import fifo
from kumoi.services.sqs.digests import attributes_digest, body_digest
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.records import Message, Queue
from kumoi.services.sqs.rules import (
    check_attributes,
    check_between,
    check_body,
    check_token,
    invalid,
    out_of_range,
    size_of,
    too_long,
)
from kumoi.services.sqs.store import put
from kumoi.state import Transaction
from kumoi.wire.errors import aws_error

_LONGEST_DELAY = 900
_PLAIN = frozenset(("Id", "QueueUrl", "MessageBody", "MessageAttributes"))
"""The members of a message that says nothing of its time, its order or its trace."""


def message_of(call: Call, queue: Queue, given: dict[str, Any], *, batch: bool = False) -> Message:
    """The message that a request (or an entry of a batch) means to send; refused where it cannot be sent."""
    body, attributes = given.get("MessageBody", ""), given.get("MessageAttributes") or {}
    check_body(body)
    if attributes:
        check_attributes(attributes)
    most = queue.number("MaximumMessageSize")
    if size_of(body, attributes) > most:
        raise too_long(most, batch=batch)
    group = deduplication = trace = None
    if queue.fifo or not _PLAIN.issuperset(given):
        group, deduplication = _in_order(queue, body, given, batch=batch)
        if system := given.get("MessageSystemAttributes"):
            trace = system.get("AWSTraceHeader", {}).get("StringValue")
    if trace is None and call.http is not None:
        trace = call.http.headers.get("x-amzn-trace-id")
        if trace is not None and call.trace.lineage:
            trace = call.trace.relabelled(trace)
    if trace is None and (call.trace.sampled or call.trace.lineage):
        trace = call.trace.chained(call.span)
    return Message(
        queue=queue.id,
        sequence=0,
        id=uuid(),
        body=body,
        sent=int(call.now * 1000),
        sender=call.caller.id,
        attributes=attributes,
        trace=trace,
        group=group,
        deduplication=deduplication,
        digest=body_digest(body),
    )


def _in_order(queue: Queue, body: str, given: dict[str, Any], *, batch: bool) -> tuple[str | None, str | None]:
    """The group and the deduplication id of a message; what says when and in which order it comes is checked."""
    if (delay := given.get("DelaySeconds")) is not None:
        check_between("DelaySeconds", delay, 0, _LONGEST_DELAY, "Must be >=")
    group, deduplication = given.get("MessageGroupId"), given.get("MessageDeduplicationId")
    if group is not None:
        check_token("MessageGroupId", group)
    if deduplication is not None:
        check_token("MessageDeduplicationId", deduplication)
    if queue.fifo:
        return group, _deduplication(queue, body, group, deduplication, given, batch=batch)
    if deduplication is not None:
        raise out_of_range(
            "MessageDeduplicationId",
            deduplication,
            "The request include parameter that is not valid for this queue type",
        )
    return group, None


def _deduplication(
    queue: Queue, body: str, group: str | None, deduplication: str | None, given: dict[str, Any], *, batch: bool
) -> str:
    """The deduplication id of a message for a FIFO queue."""
    if group is None:
        text = "The request must contain the parameter MessageGroupId."
        raise invalid(text) if batch else aws_error("MissingRequiredParameterException", text)
    if given.get("DelaySeconds"):
        raise out_of_range(
            "DelaySeconds",
            given["DelaySeconds"],
            "The request include parameter that is not valid for this queue type.",
        )
    if deduplication is not None:
        return deduplication
    if queue.attributes.get("ContentBasedDeduplication") != "true":
        raise invalid(
            "The queue should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )
    return hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()


async def send(tx: Transaction, lines: Lines, queue: Queue, message: Message, delay: int | None) -> dict[str, Any]:
    """Put a message into its queue; what SendMessage answers. A duplicate is answered as the first was."""
    answer: dict[str, Any] = {"MessageId": message.id, "MD5OfMessageBody": message.digest}
    if message.attributes:
        answer["MD5OfMessageAttributes"] = attributes_digest(message.attributes)
    fifo_queue = queue.fifo
    if fifo_queue:
        assert message.group is not None and message.deduplication is not None
        earlier = await fifo.earlier(tx, queue, message.group, message.deduplication)
        if earlier is not None:
            return answer | {"MessageId": earlier.message, "SequenceNumber": earlier.number}
    wait = queue.number("DelaySeconds") if delay is None or fifo_queue else delay
    placed = await put(tx, lines, queue, message, wait * 1000)
    if fifo_queue:
        await fifo.remember(tx, queue, placed)
        answer["SequenceNumber"] = placed.number
    return answer
