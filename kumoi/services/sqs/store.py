"""The queue itself: messages put in, taken out for a while, hidden, shown again, moved and dropped; in transactions.

A standard queue's messages are taken in the order in which they become visible (`standard.py`); a FIFO queue's are all
told by rows, and what its groups ask for is in `fifo.py`. A message that was received as often as its queue's redrive
policy allows is moved when it would be taken once more, and one that has expired is dropped.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import msgspec

from kumoi.names import hex_id
from kumoi.services.sqs import fifo, standard
from kumoi.services.sqs.attributes import Redrive, redrive_of
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.records import (
    SEQUENCE,
    TOTAL,
    Message,
    Queue,
    Taken,
    Visibility,
    messages,
    queues,
    visibilities,
)
from kumoi.state import Transaction, transactional

LONGEST = 43_200_000
"""Milliseconds that a message may be hidden after it was received."""


_EXPIRED_AT_ONCE = 250


class Counts(NamedTuple):
    """Messages that are visible, in flight and delayed."""

    visible: int
    in_flight: int
    delayed: int


def topic_of(queue: Queue) -> str:
    """What long polls of a queue watch."""
    return f"sqs.{queue.id}"


async def put(
    tx: Transaction, lines: Lines, queue: Queue, message: Message, delay: int, received: int = 0, first: int = 0
) -> Message:
    """Put a message into a queue, visible after `delay` milliseconds; the message with its place."""
    if queue.fifo:
        message = await _put_in_order(tx, queue, message, delay, received, first)
    else:
        message = await standard.put(tx, lines, queue, message, delay, received, first)
    tx.notify(topic_of(queue))
    return message


async def _put_in_order(
    tx: Transaction, queue: Queue, message: Message, delay: int, received: int, first: int
) -> Message:
    sequence = await tx.add((SEQUENCE, queue.id))
    message = msgspec.structs.replace(
        message, queue=queue.id, sequence=sequence, number=fifo.number_of(sequence), shown=None
    )
    await messages.put(tx, message)
    await tx.add((TOTAL, queue.id))
    at = int(tx.now * 1000) + delay
    visibility = Visibility(queue=queue.id, sequence=sequence, at=at, received=received, first=first)
    await visibilities.put(tx, visibility)
    await fifo.joined(tx, message, visibility)
    return message


@transactional
async def take(
    tx: Transaction, lines: Lines, queue: Queue, limit: int, hidden: int, *, durable: bool = False
) -> tuple[list[Taken], int | None]:
    """Up to `limit` messages, hidden for `hidden` milliseconds; without any, when the next becomes visible.

    What is `durable` is known after a crash to have been received, as it always is where order or redrive need it.
    """
    redrive = redrive_of(queue.attributes)
    target = None if redrive is None else await queues.get(tx, redrive.target.resource)
    removed = partial(_removed, tx, lines, queue, redrive, target)
    if not queue.fifo:
        durable = durable or redrive is not None
        return await standard.take(tx, lines, queue, limit, hidden, removed, durable=durable)
    now = int(tx.now * 1000)
    while True:
        found: list[Taken] = []
        gone = False
        for sequence in await fifo.ready(tx, queue, limit):
            known = await find(tx, lines, queue, sequence)
            if known is None:
                continue
            if await removed(known):
                gone = True
                continue
            before = known.visibility
            after = Visibility(
                queue=queue.id,
                sequence=sequence,
                at=now + hidden,
                received=before.received + 1,
                first=before.first or now,
                last=now,
                nonce=hex_id(16),
            )
            await visibilities.put(tx, after)
            await fifo.changed(tx, known.message, before, after)
            found.append(Taken(known.message, after))
        if found:
            return found, None
        if not gone:  # else what was ready was moved or had expired: look at what is ready now
            return [], await fifo.next_visible(tx, queue)


async def _removed(
    tx: Transaction, lines: Lines, queue: Queue, redrive: Redrive | None, target: Queue | None, taken: Taken
) -> bool:
    """Whether a message cannot be received any more: it is dropped or moved."""
    if taken.message.sent < oldest(queue, int(tx.now * 1000)):
        await drop(tx, lines, queue, *taken)
        return True
    if redrive is not None and target is not None and taken.visibility.received >= redrive.receptions:
        await move(tx, lines, queue, target, taken)
        return True
    return False


def oldest(queue: Queue, now: int) -> int:
    """Since when messages are kept."""
    return now - queue.number("MessageRetentionPeriod") * 1000


async def hide(tx: Transaction, lines: Lines, queue: Queue, message: Message, before: Visibility, at: int) -> None:
    """Have a message visible again at a time."""
    after = msgspec.structs.replace(before, at=at)
    if queue.fifo:
        await visibilities.put(tx, after)
        await fifo.changed(tx, message, before, after)
    else:
        await standard.hide(tx, lines, queue, after)
    tx.notify(topic_of(queue))


async def drop(tx: Transaction, lines: Lines, queue: Queue, message: Message, visibility: Visibility) -> None:
    """Take a message out for good."""
    if not queue.fifo:
        await standard.forget(tx, lines, queue, message.sequence)
        return
    await messages.delete(tx, queue.id, message.sequence)
    await visibilities.delete(tx, queue.id, message.sequence)
    await tx.add((TOTAL, queue.id), -1)
    await fifo.left(tx, message, visibility)
    tx.notify(topic_of(queue))


async def move(tx: Transaction, lines: Lines, queue: Queue, target: Queue, taken: Taken, *, back: bool = False) -> None:
    """Move a message to another queue. It keeps its id, attributes and, in a dead-letter queue, where it came from."""
    message, visibility = taken
    await drop(tx, lines, queue, message, visibility)
    source = None if back else f"arn:aws:sqs:{queue.region}:{queue.account}:{queue.name}"
    moved = msgspec.structs.replace(message, source=source)
    if target.fifo and not back:
        moved = msgspec.structs.replace(moved, sent=int(tx.now * 1000))
    received = 0 if back else visibility.received
    await put(tx, lines, target, moved, 0, received, 0 if back else visibility.first)


async def find(tx: Transaction, lines: Lines, queue: Queue, sequence: int) -> Taken | None:
    """A message of a queue, if it is still there."""
    if not queue.fifo:
        return await standard.find(tx, lines, queue, sequence)
    message = await messages.get(tx, queue.id, sequence)
    visibility = None if message is None else await visibilities.get(tx, queue.id, sequence)
    return None if message is None or visibility is None else Taken(message, visibility)


async def empty(tx: Transaction, lines: Lines, queue: Queue) -> None:
    """Drop every message."""
    if not queue.fifo:
        await standard.empty(tx, lines, queue)
        return
    total = await tx.add((TOTAL, queue.id), 0)
    await tx.add((TOTAL, queue.id), -total)
    await messages.delete_all(tx, queue.id)
    await visibilities.delete_all(tx, queue.id)
    await fifo.emptied(tx, queue)


async def _expire(tx: Transaction, lines: Lines, queue: Queue) -> None:
    """Drop the oldest messages that are past their time, so many at most: others wait meanwhile."""
    since = oldest(queue, int(tx.now * 1000))
    for _ in range(_EXPIRED_AT_ONCE):
        found = await messages.list(tx, queue.id, limit=1)
        if not found or found[0].sent >= since:
            return
        taken = await find(tx, lines, queue, found[0].sequence)
        if taken is None:
            return
        await drop(tx, lines, queue, *taken)


async def counts(tx: Transaction, lines: Lines, queue: Queue) -> Counts:
    """How many messages a queue has; only those that are hidden are looked at, and the oldest: it may have expired."""
    await _expire(tx, lines, queue)
    if queue.fifo:
        total = await tx.add((TOTAL, queue.id), 0)
        in_flight, delayed = await fifo.hidden(tx, queue)
    else:
        line = await lines.of(tx, queue)
        await lines.count(tx, line)
        total = line.total()
        in_flight, delayed = line.hidden(int(tx.now * 1000))
    return Counts(max(total - in_flight - delayed, 0), in_flight, delayed)
