"""A message on its way to a receiver: waiting for one, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.names import hex_id
from kumoi.services.sqs.digests import attributes_digest, body_digest
from kumoi.services.sqs.records import Queue
from kumoi.services.sqs.rules import chosen, receipt_handle
from kumoi.services.sqs.store import Taken, take, topic_of


async def receive(call: Call, queue: Queue, limit: int, hidden: int, wait: float) -> list[Taken]:
    """Up to `limit` messages, hidden for `hidden` seconds; waits up to `wait` platform seconds for the first."""
    state = call.doorway.state.at(queue.account, queue.region)
    if wait <= 0:
        return (await take(state, queue, limit, hidden * 1000))[0]
    deadline, clock = call.now + wait, call.doorway.clock
    async with state.watch(topic_of(queue)) as watch:
        while True:
            found, following = await take(state, queue, limit, hidden * 1000)
            if found or clock.now() >= deadline:
                return found
            due = deadline if following is None else min(deadline, following / 1000)
            await clock.happens_by(watch.wait(), due)


def told(queue: Queue, taken: Taken, system: Sequence[str], wanted: Sequence[str]) -> dict[str, Any]:
    """A message as ReceiveMessage answers it."""
    message, visibility = taken
    answer: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": receipt_handle(queue.id, message.sequence, visibility.received, hex_id(16)),
        "MD5OfBody": body_digest(message.body),
        "Body": message.body,
    }
    if system:
        everything = "All" in system
        shown = {name: value for name, value in _system(taken).items() if everything or name in system}
        if shown:
            answer["Attributes"] = shown
    attributes = chosen(wanted, message.attributes)
    if attributes:
        answer["MessageAttributes"] = attributes
        answer["MD5OfMessageAttributes"] = attributes_digest(attributes)
    return answer


def _system(taken: Taken) -> dict[str, str]:
    message, visibility = taken
    optional = {
        "SequenceNumber": message.number,
        "MessageDeduplicationId": message.deduplication,
        "MessageGroupId": message.group,
        "AWSTraceHeader": message.trace,
        "DeadLetterQueueSourceArn": message.source,
    }
    return {
        "SenderId": message.sender,
        "SentTimestamp": str(message.sent),
        "ApproximateReceiveCount": str(visibility.received),
        "ApproximateFirstReceiveTimestamp": str(visibility.first),
        **{name: value for name, value in optional.items() if value is not None},
    }
