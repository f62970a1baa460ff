"""A message on its way to a receiver: waiting for one, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kumoi.doorway import Call
from kumoi.services.sqs.attempts import attempt
from kumoi.services.sqs.digests import attributes_digest, body_digest
from kumoi.services.sqs.line import MOST_IN_FLIGHT, RECOUNTED
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.records import Queue, Taken
from kumoi.services.sqs.rules import chosen, receipt_handle
from kumoi.services.sqs.standard import take_at_hand
from kumoi.services.sqs.store import oldest, take, topic_of
from kumoi.state.once import current
from kumoi.wire.errors import aws_error


async def receive(
    call: Call, queue: Queue, limit: int, hidden: int, wait: float, attempt_id: str | None = None
) -> list[Taken]:
    """Up to `limit` messages, hidden for `hidden` seconds; waits up to `wait` platform seconds for the first.

    With an `attempt_id` those that were received under it before. Raises OverLimit where too many are in flight, unless
    it waits: then there are none until some are not.
    """
    lines = call.part(Lines)
    if wait <= 0:
        found = (await _take(call, lines, queue, limit, hidden * 1000, attempt_id))[0]
        if found is None:
            raise aws_error("OverLimit", f"{MOST_IN_FLIGHT} messages of {queue.name} are in flight, as many as may be.")
        return found
    deadline, clock = call.now + wait, call.doorway.clock
    async with call.doorway.state.at(queue.account, queue.region).watch(topic_of(queue)) as watch:
        while True:
            found, following = await _take(call, lines, queue, limit, hidden * 1000, attempt_id)
            if found or clock.now() >= deadline:
                return found or []
            due = deadline if following is None else min(deadline, following / 1000)
            await clock.happens_by(watch.wait(), due)


async def _take(
    call: Call, lines: Lines, queue: Queue, limit: int, hidden: int, attempt_id: str | None
) -> tuple[list[Taken] | None, int | None]:
    """Up to `limit` messages; out of memory where nothing has to be read, nor written at once.

    None where as many are in flight as may be. Beside them: when to look again, without any.
    """
    durable = lines.closed or current() is not None
    line = lines.known.get(queue.id)
    if line is not None and len(line.touched) >= MOST_IN_FLIGHT and line.full(int(call.now * 1000)):
        return None, int(call.now * 1000) + RECOUNTED
    if line is not None and not durable and "RedrivePolicy" not in queue.attributes:
        now = int(call.now * 1000)
        at_hand = take_at_hand(line, now, limit, hidden, oldest(queue, now))
        if at_hand is not None:
            if at_hand:
                lines.save_soon()
                return at_hand, None
            return [], line.next_visible()
    if attempt_id is not None:
        return await lines.run(queue, attempt, lines, queue, attempt_id, limit, hidden)
    found, following = await lines.run(queue, take, lines, queue, limit, hidden, durable=durable)
    if found and not durable:
        lines.save_soon()
    return found, following


def told(queue: Queue, taken: Taken, system: Sequence[str], wanted: Sequence[str]) -> dict[str, Any]:
    """A message as ReceiveMessage answers it."""
    message, visibility = taken
    answer: dict[str, Any] = {
        "MessageId": message.id,
        "ReceiptHandle": receipt_handle(queue.id, message.sequence, visibility.received, visibility.nonce),
        "MD5OfBody": message.digest or body_digest(message.body),
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
