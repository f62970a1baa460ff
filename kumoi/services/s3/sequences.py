"""The order of a bucket's writes: numbers that only grow, of which a bucket's counter sets aside a block at a time.

Every write of an object takes one. To have it counted in state would be a third of what the write costs there (a row
of another tree, and a page of it in every commit): so a block's numbers are given from memory, and what is left of it
when the process ends is never given. Until the transaction that set a block aside has committed, it may yet be undone:
till then, whoever takes a number looks whether the block still stands. For an engine that is alone with its data.
"""

from __future__ import annotations

from kumoi.services.s3.records import Bucket
from kumoi.state import Transaction

ROOM = 1 << 32
"""What a bucket's numbers grow by."""

BLOCK = 64
"""Numbers that are set aside at once."""

MOST = 4096
"""Buckets whose blocks are remembered; then all are forgotten, and those in use get another."""


class _Block:
    """Numbers up to `end` that have yet to be given; `settled` once their being set aside cannot be undone."""

    __slots__ = ("end", "given", "settled")

    def __init__(self, given: int, end: int) -> None:
        self.given = given
        self.end = end
        self.settled = False

    def settle(self) -> None:
        """The transaction has committed."""
        self.settled = True


class Sequences:
    """The numbers of every bucket. One of it belongs to a platform."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, bytes], _Block] = {}

    async def next(self, tx: Transaction, bucket: Bucket) -> int:
        """The next number of a bucket, in a transaction at its home, with room below it for replicas that come late."""
        block = self._blocks.get((bucket.id, bucket.secret))
        if (
            block is None
            or block.given == block.end
            or not (block.settled or await tx.add(_counter(bucket), 0) >= block.end)
        ):
            block = await self._set_aside(tx, bucket)
        block.given += ROOM
        return block.given

    async def _set_aside(self, tx: Transaction, bucket: Bucket) -> _Block:
        end = await tx.add(_counter(bucket), BLOCK * ROOM)
        block = _Block(end - BLOCK * ROOM, end)
        if len(self._blocks) >= MOST:
            self._blocks.clear()
        self._blocks[bucket.id, bucket.secret] = block
        tx.on_commit(block.settle)
        return block


def _counter(bucket: Bucket) -> tuple[str, int]:
    return "s3.sequence", bucket.id
