"""What FIFO queues do differently: groups, and deduplication.

Of each group only the run of visible messages at its head may be received, in order: whatever hides a message holds up
those behind it. A row for each group's head says when the group can go on. Source: "FIFO queue delivery logic" and
"Exactly-once processing" of the developer guide, and recorded answers.
"""

from __future__ import annotations

from kumoi.services.sqs.records import (
    HEADS,
    RECENT,
    Message,
    Queue,
    Sent,
    Visibility,
    sent,
    visibilities,
)
from kumoi.state import Transaction

WINDOW = 300_000
"""Milliseconds in which a deduplication id is remembered."""
GROUP = "sqs.group"
"""Rows of each group's messages, in their order: (GROUP, queue, group, sequence)."""

_FIRST_NUMBER = 18_870_000_000_000_000_000


def number_of(sequence: int) -> str:
    """A message's SequenceNumber: twenty digits that grow."""
    return str(_FIRST_NUMBER + sequence * 256)


async def joined(tx: Transaction, message: Message, visibility: Visibility) -> None:
    """A message has come in at the end of its group."""
    group = message.group or ""
    first = await _head(tx, message.queue, group)
    await tx.put((GROUP, message.queue, group, message.sequence), b"")
    if first is None:
        await tx.put((HEADS, message.queue, visibility.at, message.sequence, group), b"")


async def left(tx: Transaction, message: Message, visibility: Visibility) -> None:
    """A message is gone: if it was the head of its group, the next one is."""
    group = message.group or ""
    was_head = await _head(tx, message.queue, group) == message.sequence
    await tx.delete((GROUP, message.queue, group, message.sequence))
    if was_head:
        await tx.delete((HEADS, message.queue, visibility.at, message.sequence, group))
        following = await _head(tx, message.queue, group)
        if following is not None:
            shown = await visibilities.get(tx, message.queue, following)
            at = shown.at if shown is not None else 0
            await tx.put((HEADS, message.queue, at, following, group), b"")


async def changed(tx: Transaction, message: Message, before: Visibility, after: Visibility) -> None:
    """A message's visibility is another: if it is the head of its group, the group's row moves."""
    group = message.group or ""
    if await _head(tx, message.queue, group) == message.sequence:
        await tx.delete((HEADS, message.queue, before.at, message.sequence, group))
        await tx.put((HEADS, message.queue, after.at, message.sequence, group), b"")


async def ready(tx: Transaction, queue: Queue, limit: int) -> list[int]:
    """The messages that may be received, at most `limit`: the visible heads of groups, group by group."""
    now = int(tx.now * 1000)
    found: list[int] = []
    for head in await tx.range((HEADS, queue.id), before=(HEADS, queue.id, now + 1), limit=limit):
        group = head.key[4]
        for row in await tx.range((GROUP, queue.id, group), limit=limit - len(found)):
            sequence = int(row.key[3])
            visibility = await visibilities.get(tx, queue.id, sequence)
            if visibility is None or visibility.at > now:
                break
            found.append(sequence)
        if len(found) >= limit:
            break
    return found


async def next_visible(tx: Transaction, queue: Queue) -> int | None:
    """When the next group can go on."""
    rows = await tx.range((HEADS, queue.id), limit=1)
    return int(rows[0].key[2]) if rows else None


async def emptied(tx: Transaction, queue: Queue) -> None:
    """Every message is gone."""
    await tx.delete_range((GROUP, queue.id))
    await tx.delete_range((HEADS, queue.id))


async def hidden(tx: Transaction, queue: Queue) -> tuple[int, int]:
    """How many messages are in flight, and delayed."""
    now = int(tx.now * 1000)
    away = [one for one in await visibilities.list(tx, queue.id) if one.at > now]
    delayed = sum(one.received == 0 for one in away)
    return len(away) - delayed, delayed


async def _head(tx: Transaction, queue: str, group: str) -> int | None:
    rows = await tx.range((GROUP, queue, group), limit=1)
    return int(rows[0].key[3]) if rows else None


async def earlier(tx: Transaction, queue: Queue, group: str, deduplication: str) -> Sent | None:
    """The accepted send of the last five minutes that has this deduplication id."""
    known = await sent.get(tx, queue.id, _scope(queue, group), deduplication)
    return known if known is not None and known.expires > int(tx.now * 1000) else None


async def remember(tx: Transaction, queue: Queue, message: Message) -> None:
    """Remember an accepted send, and forget two that are out of the window: more than come in."""
    now = int(tx.now * 1000)
    assert message.group is not None and message.deduplication is not None and message.number is not None
    one = Sent(
        queue=queue.id,
        scope=_scope(queue, message.group),
        deduplication=message.deduplication,
        message=message.id,
        number=message.number,
        expires=now + WINDOW,
    )
    await sent.put(tx, one)
    await tx.put((RECENT, queue.id, one.expires, one.scope, one.deduplication), b"")
    for row in await tx.range((RECENT, queue.id), before=(RECENT, queue.id, now), limit=2):
        await tx.delete(row.key)
        known = await sent.get(tx, queue.id, row.key[3], row.key[4])
        if known is not None and known.expires <= now:
            await sent.delete(tx, queue.id, row.key[3], row.key[4])


def _scope(queue: Queue, group: str) -> str:
    return f"group:{group}" if queue.attributes.get("DeduplicationScope") == "messageGroup" else ""
