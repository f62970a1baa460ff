"""Messages of a standard queue: send, receive, hide, delete."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import uuid
from kumoi.services.sqs import sqs
from kumoi.services.sqs.operations.queues import find_queue
from kumoi.services.sqs.records import VISIBLE, Message, Queue, Visibility, messages, visibilities
from kumoi.services.sqs.rules import check_body, invalid, out_of_range, parse_receipt, receipt_handle
from kumoi.state import Transaction, transactional


@sqs.operation
async def send_message(call: Call, QueueUrl: str, MessageBody: str, DelaySeconds: int | None = None) -> dict[str, Any]:
    """Store a message, visible after its delay (seconds, 0-900; the queue's when none is given)."""
    if DelaySeconds is not None and not 0 <= DelaySeconds <= 900:
        raise out_of_range("DelaySeconds", DelaySeconds, "Must be >= 0 and <= 900, if provided.")
    message_id = uuid()
    await _send(call.state, QueueUrl, message_id, MessageBody, DelaySeconds, call.account)
    return {"MessageId": message_id, "MD5OfMessageBody": _md5(MessageBody)}


@transactional
async def _send(tx: Transaction, url: str, message_id: str, body: str, delay: int | None, sender: str) -> None:
    queue = await find_queue(tx, url)
    check_body(body, int(queue.attributes["MaximumMessageSize"]))
    sequence = await tx.add(("sqs.sequence", queue.id))
    sent = int(tx.now * 1000)
    wait = int(queue.attributes["DelaySeconds"]) if delay is None else delay
    await messages.put(
        tx, Message(queue=queue.id, sequence=sequence, id=message_id, body=body, sent=sent, sender=sender)
    )
    await _show(tx, Visibility(queue=queue.id, sequence=sequence, at=sent + wait * 1000))


async def _show(tx: Transaction, visibility: Visibility) -> None:
    await visibilities.put(tx, visibility)
    await tx.put((VISIBLE, visibility.queue, visibility.at, visibility.sequence), b"")
    tx.notify(f"sqs.{visibility.queue}")


@sqs.operation
async def receive_message(
    call: Call,
    QueueUrl: str,
    MaxNumberOfMessages: int = 1,
    VisibilityTimeout: int | None = None,
    WaitTimeSeconds: int | None = None,
) -> dict[str, Any]:
    """Up to 10 visible messages, hidden from others for VisibilityTimeout; waits up to 20 s for the first."""
    if not 1 <= MaxNumberOfMessages <= 10:
        raise out_of_range("MaxNumberOfMessages", MaxNumberOfMessages, "Must be between 1 and 10, if provided.")
    if WaitTimeSeconds is not None and not 0 <= WaitTimeSeconds <= 20:
        raise out_of_range("WaitTimeSeconds", WaitTimeSeconds, "Must be >= 0 and <= 20, if provided.")
    _check_timeout(VisibilityTimeout)
    queue = await find_queue(call.state, QueueUrl)
    wait = int(queue.attributes["ReceiveMessageWaitTimeSeconds"]) if WaitTimeSeconds is None else WaitTimeSeconds
    deadline = call.now + wait
    async with call.state.watch(f"sqs.{queue.id}") as watch:
        while True:
            found, following = await _receive(call.state, queue, MaxNumberOfMessages, VisibilityTimeout)
            if found or call.now >= deadline:
                return {"Messages": found} if found else {}
            due = deadline if following is None else min(deadline, following / 1000)
            waiting = {
                asyncio.ensure_future(watch.wait()),
                asyncio.ensure_future(call.doorway.clock.sleep_until(due)),
            }
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in waiting:
                    one.cancel()


@transactional
async def _receive(
    tx: Transaction, queue: Queue, limit: int, timeout: int | None
) -> tuple[list[dict[str, Any]], int | None]:
    """What was received, else when the next message becomes visible (epoch milliseconds)."""
    now = int(tx.now * 1000)
    oldest = now - int(queue.attributes["MessageRetentionPeriod"]) * 1000
    hidden = int(queue.attributes["VisibilityTimeout"]) if timeout is None else timeout
    found: list[dict[str, Any]] = []
    for row in await tx.range((VISIBLE, queue.id), before=(VISIBLE, queue.id, now + 1), limit=limit):
        sequence = int(row.key[3])
        message = await messages.get(tx, queue.id, sequence)
        visibility = await visibilities.get(tx, queue.id, sequence)
        await tx.delete(row.key)
        if message is None or visibility is None or message.sent < oldest:
            await _forget(tx, queue.id, sequence)
            continue
        received = visibility.received + 1
        at = now + hidden * 1000
        await visibilities.put(tx, msgspec.structs.replace(visibility, at=at, received=received))
        await tx.put((VISIBLE, queue.id, at, sequence), b"")
        handle = receipt_handle(queue.id, sequence, received)
        found.append(
            {"MessageId": message.id, "ReceiptHandle": handle, "MD5OfBody": _md5(message.body), "Body": message.body}
        )
    rows = [] if found else await tx.range((VISIBLE, queue.id), limit=1)
    return found, int(rows[0].key[2]) if rows else None


@sqs.operation
async def delete_message(call: Call, QueueUrl: str, ReceiptHandle: str) -> None:
    """Delete a received message; nothing happens when it is gone already."""
    await _delete(call.state, QueueUrl, ReceiptHandle)


@transactional
async def _delete(tx: Transaction, url: str, handle: str) -> None:
    queue = await find_queue(tx, url)
    await _forget(tx, queue.id, parse_receipt(handle, queue.id))


async def _forget(tx: Transaction, queue: str, sequence: int) -> None:
    visibility = await visibilities.get(tx, queue, sequence)
    if visibility is not None:
        await tx.delete((VISIBLE, queue, visibility.at, sequence))
        await visibilities.delete(tx, queue, sequence)
    await messages.delete(tx, queue, sequence)


@sqs.operation
async def change_message_visibility(call: Call, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
    """Hide a received message for VisibilityTimeout seconds (0-43,200) from now; 0 shows it at once."""
    _check_timeout(VisibilityTimeout)
    await _hide(call.state, QueueUrl, ReceiptHandle, VisibilityTimeout)


@transactional
async def _hide(tx: Transaction, url: str, handle: str, timeout: int) -> None:
    queue = await find_queue(tx, url)
    visibility = await visibilities.get(tx, queue.id, parse_receipt(handle, queue.id))
    if visibility is None:
        reason = "Message does not exist or is not available for visibility timeout change."
        raise invalid(f"Value {handle} for parameter ReceiptHandle is invalid. Reason: {reason}")
    await tx.delete((VISIBLE, queue.id, visibility.at, visibility.sequence))
    await _show(tx, msgspec.structs.replace(visibility, at=int(tx.now * 1000) + timeout * 1000))


def _check_timeout(timeout: int | None) -> None:
    if timeout is not None and not 0 <= timeout <= 43200:
        raise out_of_range("VisibilityTimeout", timeout, "Must be between 0 and 43200, if provided.")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
