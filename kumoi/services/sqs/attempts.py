"""Receiving once more what was received: a FIFO queue's receptions are known by their ReceiveRequestAttemptId.

A receiver that got no answer asks again and gets the same messages under the same handles, hidden anew. It may for five
minutes, as long as nobody has deleted one of them, hidden or shown it, or received it otherwise. Source: "Using the
Amazon SQS receive request attempt ID" of the developer guide, ReceiveMessage of the API reference, recorded answers.
"""

from __future__ import annotations

import msgspec

from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.records import ATTEMPTED, Attempt, Queue, Taken, attempts
from kumoi.services.sqs.rules import out_of_range
from kumoi.services.sqs.store import find, hide, take
from kumoi.state import Transaction, transactional

WINDOW = 300_000
"""Milliseconds in which a reception may be repeated."""


@transactional
async def attempt(
    tx: Transaction, lines: Lines, queue: Queue, attempt_id: str, limit: int, hidden: int
) -> tuple[list[Taken], int | None]:
    """What `take` answers, or what it answered to the same attempt before, hidden for `hidden` milliseconds from now.

    Raises InvalidParameterValue for a reception that cannot be repeated any more.
    """
    now = int(tx.now * 1000)
    known = await attempts.get(tx, queue.id, attempt_id)
    if known is not None and known.expires > now:
        return await _again(tx, lines, queue, known, now + hidden), None
    found, following = await take(tx, lines, queue, limit, hidden)
    if found:
        await _remember(tx, queue, attempt_id, found, now)
    return found, following


async def _again(tx: Transaction, lines: Lines, queue: Queue, known: Attempt, at: int) -> list[Taken]:
    taken = [await find(tx, lines, queue, received.sequence) for received in known.messages]
    found = [one for one in taken if one is not None]
    if tuple(one.visibility for one in found) != known.messages:
        text = "The receiveRequestAttemptId is not valid anymore since the receive call is not retryable."
        raise out_of_range("ReceiveRequestAttemptId", known.id, text)
    for message, visibility in found:
        await hide(tx, lines, queue, message, visibility, at)
    again = [Taken(message, msgspec.structs.replace(visibility, at=at)) for message, visibility in found]
    await attempts.put(tx, msgspec.structs.replace(known, messages=tuple(one.visibility for one in again)))
    return again


async def _remember(tx: Transaction, queue: Queue, attempt_id: str, found: list[Taken], now: int) -> None:
    """Remember a reception, and forget two that cannot be repeated any more: more than come in."""
    expires = now + WINDOW
    await attempts.put(tx, Attempt(queue.id, attempt_id, expires, tuple(one.visibility for one in found)))
    await tx.put((ATTEMPTED, queue.id, expires, attempt_id), b"")
    for row in await tx.range((ATTEMPTED, queue.id), before=(ATTEMPTED, queue.id, now), limit=2):
        await tx.delete(row.key)
        known = await attempts.get(tx, queue.id, row.key[3])
        if known is not None and known.expires <= now:
            await attempts.delete(tx, queue.id, row.key[3])


async def forget(tx: Transaction, queue: Queue) -> None:
    """Forget all receptions."""
    await attempts.delete_all(tx, queue.id)
    await tx.delete_range((ATTEMPTED, queue.id))
