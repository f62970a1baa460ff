"""What is done with a standard queue's messages: its line says which, rows make it last.

A message is one row; another tells of its visibility once it was touched. Sending writes the first, deleting removes
what there is. Receiving writes nothing of its own (see `lines.py`), unless what was received has to be known for sure:
a redrive policy counts it, or the call is one that a crash must not repeat.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from kumoi.names import hex_id
from kumoi.services.sqs.line import Line
from kumoi.services.sqs.lines import Lines
from kumoi.services.sqs.records import Message, Queue, Taken, Visibility, messages, visibilities
from kumoi.state import Transaction

Removed = Callable[[Taken], Awaitable[bool]]


async def put(
    tx: Transaction, lines: Lines, queue: Queue, message: Message, delay: int, received: int, first: int
) -> Message:
    """Put a message in, visible after `delay` milliseconds."""
    line = lines.known.get(queue.id) or await lines.of(tx, queue)
    sequence, at = line.number() or await lines.reserve(tx, line), int(tx.now * 1000) + delay
    visibility = None
    if delay or received:
        visibility = Visibility(queue=queue.id, sequence=sequence, at=at, received=received, first=first)
        await visibilities.put(tx, visibility)
    shown = at if visibility is None else None
    message = msgspec.structs.replace(message, queue=queue.id, sequence=sequence, shown=shown)
    await messages.put(tx, message)
    tx.on_commit(partial(lines.arrived, message, visibility))
    return message


def take_at_hand(line: Line, now: int, limit: int, hidden: int, oldest: int) -> list[Taken] | None:
    """Up to `limit` messages, hidden for `hidden` milliseconds; None where rows have to be looked at first."""
    found = line.at_hand(now, limit, oldest)
    if found is None:
        return None
    taken = [
        Taken(
            message,
            Visibility(
                queue=message.queue,
                sequence=message.sequence,
                at=now + hidden,
                received=1,
                first=now,
                last=now,
                nonce=hex_id(16),
            ),
        )
        for message in found
    ]
    for _, visibility in taken:
        line.hold(visibility)
        line.unsaved.add(visibility.sequence)
    return taken


async def take(
    tx: Transaction, lines: Lines, queue: Queue, limit: int, hidden: int, removed: Removed, *, durable: bool
) -> tuple[list[Taken], int | None]:
    """Up to `limit` messages, hidden; without any, when the next becomes visible. `removed` takes out what must go."""
    line, now = await lines.of(tx, queue), int(tx.now * 1000)
    found: list[Taken] = []
    while len(found) < limit:
        while line.dry:
            await lines.more(tx, line)
        one = line.first(now)
        if one is None:
            break
        taken = await _whole(tx, lines, queue, one)
        if taken is None or await removed(taken):
            continue
        before = taken.visibility
        if isinstance(one, Message):
            line.take_fresh()
        else:
            del line.touched[before.sequence]  # not to be found again below
        after = Visibility(
            queue=queue.id,
            sequence=before.sequence,
            at=now + hidden,
            received=before.received + 1,
            first=before.first or now,
            last=now,
            nonce=hex_id(16),
        )
        found.append(Taken(taken.message, after))
    for _, visibility in found:
        line.hold(visibility)
        if durable:
            await _store(tx, line, visibility)
        else:
            line.unsaved.add(visibility.sequence)
    return found, None if found else line.next_visible()


async def _whole(tx: Transaction, lines: Lines, queue: Queue, one: Message | Visibility) -> Taken | None:
    """What is next in a line, with message and visibility; None, and out of the line, if its message is not there."""
    if isinstance(one, Message):
        return Taken(one, Visibility(queue=one.queue, sequence=one.sequence, at=one.shown or 0))
    message = await messages.get(tx, one.queue, one.sequence)
    if message is None:
        await forget(tx, lines, queue, one.sequence)
        return None
    return Taken(message, one)


async def _store(tx: Transaction, line: Line, visibility: Visibility) -> None:
    line.unsaved.discard(visibility.sequence)
    line.saved.add(visibility.sequence)
    await visibilities.put(tx, visibility)


async def hide(tx: Transaction, lines: Lines, queue: Queue, visibility: Visibility) -> None:
    """Give a message another visibility."""
    line = await lines.of(tx, queue)
    if visibility.sequence not in line.touched:
        line.gone(visibility.sequence)  # from among the fresh
    line.hold(visibility)
    await _store(tx, line, visibility)


async def forget(tx: Transaction, lines: Lines, queue: Queue, sequence: int) -> None:
    """Take a message out for good, if it is still there."""
    line = lines.known.get(queue.id) or await lines.of(tx, queue)
    there = await messages.delete(tx, queue.id, sequence)
    if sequence in line.saved:
        await visibilities.delete(tx, queue.id, sequence)
    if there or sequence in line.touched:
        line.gone(sequence)


async def find(tx: Transaction, lines: Lines, queue: Queue, sequence: int) -> Taken | None:
    """A message that is still there."""
    line = await lines.of(tx, queue)
    message = await messages.get(tx, queue.id, sequence)
    if message is None:
        return None
    at_first = Visibility(queue=queue.id, sequence=sequence, at=message.shown or 0)
    return Taken(message, line.touched.get(sequence, at_first))


async def empty(tx: Transaction, lines: Lines, queue: Queue) -> None:
    """Drop every message."""
    await messages.delete_all(tx, queue.id)
    await visibilities.delete_all(tx, queue.id)
    (await lines.of(tx, queue)).clear()
