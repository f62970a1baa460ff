"""The archive of a FIFO topic: what was published while its ArchivePolicy held, kept for so many days.

Each message is a row, written in the transaction that accepts it, in the order of their times. Source: "Amazon SNS
message archiving for FIFO topic owners" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kumoi.services.sns.archive_policy import begins
from kumoi.services.sns.message import Message
from kumoi.services.sns.records import Topic
from kumoi.state import Transaction
from kumoi.state.space import Space


class Archived(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a topic's archive: published at a `time` (epoch seconds), at a `moment` (the same in ms)."""

    topic: str
    moment: int
    sequence: int
    id: str
    number: str
    time: float
    message: Message
    trace: str


archived: Space[Archived] = Space("sns.archived", Archived, lambda one: (one.topic, one.moment, one.sequence))


def moment_of(time: float) -> int:
    """A time in ms, as timestamps tell it."""
    return round(time * 1e6) // 1000


async def keep(
    tx: Transaction, topic: Topic, message: Message, identifier: str, sequence: int, number: str, trace: str
) -> None:
    """Archive a message that a topic has accepted, and drop two that are past their time: more than come in."""
    oldest = moment_of(begins(topic, tx.now))
    for one in await archived.list(tx, topic.id, limit=2):
        if one.moment < oldest:
            await archived.delete(tx, one.topic, one.moment, one.sequence)
    await archived.put(
        tx,
        Archived(
            topic=topic.id,
            moment=moment_of(tx.now),
            sequence=sequence,
            id=identifier,
            number=number,
            time=tx.now,
            message=message,
            trace=trace,
        ),
    )


async def behind(tx: Transaction, topic: Topic, cursor: tuple[int, ...], limit: int) -> Sequence[Archived]:
    """Archived messages behind a cursor: a moment, or a moment and the sequence number of a message of it."""
    oldest = (moment_of(begins(topic, tx.now)),)
    return await archived.list(tx, topic.id, after=(topic.id, *max(cursor, oldest)), limit=limit)


async def drop(tx: Transaction, topic: Topic) -> None:
    """Drop a topic's archive."""
    await archived.delete_all(tx, topic.id)
