"""The queue itself: messages put in, taken out for a while, hidden, shown again, moved and dropped; in transactions.

A standard queue's messages are taken in the order in which they become visible; what a FIFO queue does differently is
in `fifo.py`. A message that was received as often as its queue's redrive policy allows is moved when it would be taken
once more.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from kumoi.services.sqs import fifo
from kumoi.services.sqs.attributes import redrive_of
from kumoi.services.sqs.records import (
    DELAYED,
    IN_FLIGHT,
    SEQUENCE,
    TOTAL,
    VISIBLE,
    Message,
    Queue,
    Visibility,
    messages,
    queues,
    visibilities,
)
from kumoi.state import Transaction, transactional

LONGEST = 43_200_000
"""Milliseconds that a message may be hidden after it was received."""


class Taken(NamedTuple):
    """A message that was taken, and its visibility since."""

    message: Message
    visibility: Visibility


class Counts(NamedTuple):
    """Messages that are visible, in flight and delayed."""

    visible: int
    in_flight: int
    delayed: int


def topic_of(queue: Queue) -> str:
    """What long polls of a queue watch."""
    return f"sqs.{queue.id}"


async def put(
    tx: Transaction, queue: Queue, message: Message, delay: int, received: int = 0, first: int = 0
) -> Message:
    """Put a message into a queue, visible after `delay` milliseconds; the message with its place."""
    sequence = await tx.add((SEQUENCE, queue.id))
    now = int(tx.now * 1000)
    at = now + delay
    fresh = not queue.fifo and not received
    number = fifo.number_of(sequence) if queue.fifo else message.number
    shown = at if fresh else None
    message = msgspec.structs.replace(message, queue=queue.id, sequence=sequence, number=number, shown=shown)
    await messages.put(tx, message)
    await tx.add((TOTAL, queue.id))
    if not fresh:
        visibility = Visibility(queue=queue.id, sequence=sequence, at=at, received=received, first=first)
        await visibilities.put(tx, visibility)
    if queue.fifo:
        await fifo.joined(tx, message, visibility)
    else:
        await tx.put((VISIBLE, queue.id, at, sequence), DELAYED if delay else b"")
    tx.notify(topic_of(queue))
    return message


@transactional
async def take(tx: Transaction, queue: Queue, limit: int, hidden: int) -> tuple[list[Taken], int | None]:
    """Up to `limit` messages, hidden for `hidden` milliseconds; without any, when the next becomes visible."""
    now = int(tx.now * 1000)
    oldest = now - queue.number("MessageRetentionPeriod") * 1000
    redrive = redrive_of(queue.attributes)
    target = None if redrive is None else await queues.get(tx, redrive.target.resource)
    found: list[Taken] = []
    gone = False
    for sequence, untouched in await _ready(tx, queue, limit):
        known = await find(tx, queue, sequence, untouched=untouched)
        if known is None:
            continue
        message, visibility = known
        if message.sent < oldest:
            await drop(tx, queue, message, visibility)
            gone = True
        elif redrive is not None and target is not None and visibility.received >= redrive.receptions:
            await move(tx, queue, target, known)
            gone = True
        else:
            changed = Visibility(
                queue=queue.id,
                sequence=sequence,
                at=now + hidden,
                received=visibility.received + 1,
                first=visibility.first or now,
                last=now,
            )
            await _change(tx, queue, message, visibility, changed)
            found.append(Taken(message, changed))
    if found:
        return found, None
    if gone:  # what was ready was moved or had expired: look at what is ready now
        return await take(tx, queue, limit, hidden)
    return [], await (fifo.next_visible(tx, queue) if queue.fifo else _next_visible(tx, queue))


async def _ready(tx: Transaction, queue: Queue, limit: int) -> list[tuple[int, bool]]:
    """The messages that may be received, each with whether nobody has received it yet, as far as that is known."""
    if queue.fifo:
        return [(sequence, False) for sequence in await fifo.ready(tx, queue, limit)]
    before = (VISIBLE, queue.id, int(tx.now * 1000) + 1)
    rows = await tx.range((VISIBLE, queue.id), before=before, limit=limit)
    return [(int(row.key[3]), row.value != IN_FLIGHT) for row in rows]


async def _next_visible(tx: Transaction, queue: Queue) -> int | None:
    rows = await tx.range((VISIBLE, queue.id), limit=1)
    return int(rows[0].key[2]) if rows else None


async def _change(tx: Transaction, queue: Queue, message: Message, before: Visibility, after: Visibility) -> None:
    """Store another visibility, and move the row that goes with it."""
    await visibilities.put(tx, after)
    if queue.fifo:
        await fifo.changed(tx, message, before, after)
        return
    await tx.delete((VISIBLE, queue.id, before.at, before.sequence))
    await tx.put((VISIBLE, queue.id, after.at, after.sequence), IN_FLIGHT)


async def hide(tx: Transaction, queue: Queue, message: Message, before: Visibility, at: int) -> None:
    """Have a message visible again at a time."""
    await _change(tx, queue, message, before, msgspec.structs.replace(before, at=at))
    tx.notify(topic_of(queue))


async def drop(tx: Transaction, queue: Queue, message: Message, visibility: Visibility) -> None:
    """Take a message out for good."""
    await messages.delete(tx, queue.id, message.sequence)
    if message.shown is None or visibility.received:
        await visibilities.delete(tx, queue.id, message.sequence)
    await tx.add((TOTAL, queue.id), -1)
    if queue.fifo:
        await fifo.left(tx, message, visibility)
        tx.notify(topic_of(queue))
    else:
        await tx.delete((VISIBLE, queue.id, visibility.at, message.sequence))


async def move(tx: Transaction, queue: Queue, target: Queue, taken: Taken, *, back: bool = False) -> None:
    """Move a message to another queue. It keeps its id, attributes and, in a dead-letter queue, where it came from."""
    message, visibility = taken
    await drop(tx, queue, message, visibility)
    source = None if back else f"arn:aws:sqs:{queue.region}:{queue.account}:{queue.name}"
    moved = msgspec.structs.replace(message, source=source)
    if target.fifo and not back:
        moved = msgspec.structs.replace(moved, sent=int(tx.now * 1000))
    received = 0 if back else visibility.received
    await put(tx, target, moved, 0, received, 0 if back else visibility.first)


async def forget(tx: Transaction, queue: Queue, sequence: int) -> None:
    """Take a message of a standard queue that was received out for good, if it is still there."""
    visibility = await visibilities.get(tx, queue.id, sequence)
    if visibility is None:
        return
    await messages.delete(tx, queue.id, sequence)
    await visibilities.delete(tx, queue.id, sequence)
    await tx.add((TOTAL, queue.id), -1)
    await tx.delete((VISIBLE, queue.id, visibility.at, sequence))


async def find(tx: Transaction, queue: Queue, sequence: int, *, untouched: bool = False) -> Taken | None:
    """A message of a queue, if it is still there; `untouched` if nobody has received it since it came in."""
    message = await messages.get(tx, queue.id, sequence)
    if message is None:
        return None
    if untouched and message.shown is not None:
        return Taken(message, Visibility(queue=queue.id, sequence=sequence, at=message.shown))
    visibility = await visibilities.get(tx, queue.id, sequence)
    if visibility is None and message.shown is not None:
        visibility = Visibility(queue=queue.id, sequence=sequence, at=message.shown)
    return None if visibility is None else Taken(message, visibility)


async def empty(tx: Transaction, queue: Queue) -> None:
    """Drop every message."""
    total = await tx.add((TOTAL, queue.id), 0)
    await tx.add((TOTAL, queue.id), -total)
    await messages.delete_all(tx, queue.id)
    await visibilities.delete_all(tx, queue.id)
    await tx.delete_range((VISIBLE, queue.id))
    await fifo.emptied(tx, queue)


async def counts(tx: Transaction, queue: Queue) -> Counts:
    """How many messages a queue has; only those that are hidden are looked at."""
    total = await tx.add((TOTAL, queue.id), 0)
    now = int(tx.now * 1000)
    if queue.fifo:
        in_flight, delayed = await fifo.hidden(tx, queue)
    else:
        rows = await tx.range((VISIBLE, queue.id), after=(VISIBLE, queue.id, now, 1 << 62))
        delayed = sum(row.value == DELAYED for row in rows)
        in_flight = len(rows) - delayed
    return Counts(max(total - in_flight - delayed, 0), in_flight, delayed)
