"""Messages one at a time: send, receive, hide, delete."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.sqs import sqs
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.metering import CHUNK, MESSAGES, meter
from kumoi.services.sqs.operations.queues import find_queue
from kumoi.services.sqs.receiving import receive, told
from kumoi.services.sqs.records import Queue
from kumoi.services.sqs.rules import check_between, check_token, out_of_range, parse_receipt, size_of
from kumoi.services.sqs.sending import message_of, send
from kumoi.services.sqs.standard import forget
from kumoi.services.sqs.store import LONGEST, drop, find, hide
from kumoi.state import Transaction

MOST_AT_ONCE = 10
LONGEST_TIMEOUT = 43_200
LONGEST_WAIT = 20


@sqs.operation
async def send_message(
    call: Call,
    QueueUrl: str,
    MessageBody: str = "",
    DelaySeconds: int | None = None,
    MessageAttributes: dict[str, dict[str, Any]] | None = None,
    MessageSystemAttributes: dict[str, dict[str, Any]] | None = None,
    MessageDeduplicationId: str | None = None,
    MessageGroupId: str | None = None,
) -> dict[str, Any]:
    """Store a message, visible after its delay (seconds, 0-900; the queue's when none is given)."""
    queue = await find_queue(call, QueueUrl)
    message = message_of(call, queue, call.params)
    if 4 * len(MessageBody) > CHUNK or MessageAttributes:  # else it is short, whatever its letters
        meter(call, size_of(MessageBody, MessageAttributes or {}))
    call.meter(MESSAGES, 1)
    lines = call.part(Lines)
    return await lines.run_together(queue, send, lines, queue, message, DelaySeconds)


@sqs.operation
async def receive_message(
    call: Call,
    QueueUrl: str,
    AttributeNames: list[str] | None = None,
    MessageSystemAttributeNames: list[str] | None = None,
    MessageAttributeNames: list[str] | None = None,
    MaxNumberOfMessages: int = 1,
    VisibilityTimeout: int | None = None,
    WaitTimeSeconds: int | None = None,
    ReceiveRequestAttemptId: str | None = None,
) -> dict[str, Any]:
    """Up to 10 visible messages, hidden from others for VisibilityTimeout; waits up to 20 s for the first."""
    check_between("MaxNumberOfMessages", MaxNumberOfMessages, 1, MOST_AT_ONCE)
    check_between("WaitTimeSeconds", WaitTimeSeconds, 0, LONGEST_WAIT, "Must be >=")
    check_between("VisibilityTimeout", VisibilityTimeout, 0, LONGEST_TIMEOUT)
    queue = await find_queue(call, QueueUrl)
    if ReceiveRequestAttemptId is not None:
        _check_attempt(queue, ReceiveRequestAttemptId)
    hidden = queue.number("VisibilityTimeout") if VisibilityTimeout is None else VisibilityTimeout
    wait = queue.number("ReceiveMessageWaitTimeSeconds") if WaitTimeSeconds is None else WaitTimeSeconds
    found = await receive(call, queue, MaxNumberOfMessages, hidden, wait, ReceiveRequestAttemptId)
    meter(call, sum(size_of(one.message.body, one.message.attributes) for one in found))
    call.meter(MESSAGES, len(found))
    system = [*(AttributeNames or ()), *(MessageSystemAttributeNames or ())]
    wanted = MessageAttributeNames or []
    return {"Messages": [told(queue, one, system, wanted) for one in found]} if found else {}


def _check_attempt(queue: Queue, attempt_id: str) -> None:
    """Refuse an id that names no reception of such a queue."""
    check_token("ReceiveRequestAttemptId", attempt_id)
    if not queue.fifo:
        text = "The request include parameter that is not valid for this queue type"
        raise out_of_range("ReceiveRequestAttemptId", attempt_id, text)


@sqs.operation
async def receive_messages(call: Call, QueueUrl: str, MaxNumberOfMessages: int, WaitTimeSeconds: int) -> dict[str, Any]:
    """ReceiveMessage with everything that is known of each message, and without a bound on their number.

    For event source mappings, not on the wire.
    """
    queue = await find_queue(call, QueueUrl)
    found = await receive(call, queue, MaxNumberOfMessages, queue.number("VisibilityTimeout"), WaitTimeSeconds)
    received = sum(size_of(one.message.body, one.message.attributes) for one in found)
    meter(call, received, requests=max(1, -(-len(found) // MOST_AT_ONCE)))
    call.meter(MESSAGES, len(found))
    return {"Messages": [told(queue, one, ["All"], ["All"]) for one in found]} if found else {}


@sqs.operation
async def delete_message(call: Call, QueueUrl: str, ReceiptHandle: str) -> None:
    """Delete a received message; nothing happens when it is gone already."""
    queue = await find_queue(call, QueueUrl)
    lines = call.part(Lines)
    if queue.fifo:
        await lines.run(queue, delete, lines, queue, ReceiptHandle)
    else:
        sequence, _, _ = parse_receipt(ReceiptHandle, queue.id)
        await lines.run_together(queue, forget, lines, queue, sequence)
    call.meter(MESSAGES, 1)


async def delete(tx: Transaction, lines: Lines, queue: Queue, handle: str) -> None:
    """Delete the message that a handle stands for."""
    sequence, received, _ = parse_receipt(handle, queue.id)
    if not queue.fifo:
        await forget(tx, lines, queue, sequence)
        return
    taken = await find(tx, lines, queue, sequence)
    if taken is None:
        return
    if taken.visibility.received != received or taken.visibility.at <= int(tx.now * 1000):
        raise out_of_range("ReceiptHandle", handle, "The receipt handle has expired.")
    await drop(tx, lines, queue, *taken)


@sqs.operation
async def change_message_visibility(call: Call, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
    """Hide a received message for VisibilityTimeout seconds (0-43,200) from now; 0 shows it at once."""
    check_between("VisibilityTimeout", VisibilityTimeout, 0, LONGEST_TIMEOUT)
    queue = await find_queue(call, QueueUrl)
    lines = call.part(Lines)
    await lines.open(queue)
    await lines.run(queue, change_visibility, lines, queue, ReceiptHandle, VisibilityTimeout)


async def change_visibility(tx: Transaction, lines: Lines, queue: Queue, handle: str, timeout: int) -> None:
    """Hide the message that a handle stands for."""
    sequence, received, nonce = parse_receipt(handle, queue.id)
    taken = await find(tx, lines, queue, sequence)
    if taken is None or taken.visibility.received != received or (taken.visibility.nonce or nonce) != nonce:
        raise out_of_range(
            "ReceiptHandle", handle, "Message does not exist or is not available for visibility timeout change."
        )
    at = int(tx.now * 1000) + timeout * 1000
    if at > taken.visibility.last + LONGEST:
        raise out_of_range(
            "VisibilityTimeout",
            timeout,
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
        )
    await hide(tx, lines, queue, taken.message, taken.visibility, at)
