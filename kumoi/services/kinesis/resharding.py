"""Shards that split, merge, and are brought to a number of even ranges.

Every change is a split of one shard or a merge of two, so that a reader who reads parents to their end before their
children reads each key in order. Pure, but for the numbers of the last records that closing needs.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from kumoi.services.kinesis.hash_keys import SPACE, even_starts
from kumoi.services.kinesis.records import Shard, Stream


def first_shards(count: int, now: int) -> tuple[Shard, ...]:
    """The shards of a new stream."""
    starts = even_starts(count)
    ends = [*starts[1:], SPACE]
    return tuple(
        Shard(number=number, start=str(start), end=str(end - 1), created=now)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


class Reshard:
    """A stream's shards while they change at `now` (epoch ms); `closed` are those that end by it."""

    def __init__(self, stream: Stream, now: int) -> None:
        self._stream = stream
        self._shards = {shard.number: shard for shard in stream.shards}
        self._next = stream.next_shard
        self._now = now
        self.closed: list[int] = []

    def split(self, number: int, at: int) -> tuple[int, int]:
        """Close a shard, and open two below and from the hash key `at`."""
        parent = self._close(number)
        low = self._open(int(parent.start), at - 1, parent)
        return low, self._open(at, int(parent.end), parent)

    def merge(self, number: int, adjacent: int) -> int:
        """Close two adjacent shards, the lower first, and open one of both ranges."""
        parent, other = self._close(number), self._close(adjacent)
        return self._open(int(parent.start), int(other.end), parent, other)

    def scale(self, starts: Sequence[int]) -> None:
        """Split and merge until the open shards begin at `starts`."""
        wanted = set(starts)
        run: list[int] = []
        for shard in self._stream.open:
            number = shard.number
            for at in starts:
                if int(shard.start) < at <= int(shard.end):
                    low, number = self.split(number, at)
                    run = self._joined(run, low, wanted)
            run = self._joined(run, number, wanted)

    def _joined(self, run: list[int], number: int, wanted: set[int]) -> list[int]:
        if not run or int(self._shards[number].start) in wanted:
            return [number]
        return [self.merge(run[-1], number)]

    def result(self, lasts: dict[int, int]) -> Stream:
        """The stream afterwards; `lasts` are the numbers of the last records of what was closed."""
        shards = tuple(
            msgspec.structs.replace(shard, last=lasts[shard.number]) if shard.number in lasts else shard
            for shard in self._shards.values()
        )
        return msgspec.structs.replace(self._stream, shards=shards, next_shard=self._next)

    def _close(self, number: int) -> Shard:
        shard = self._shards[number]
        ended = max(self._now, shard.created)
        self._shards[number] = msgspec.structs.replace(shard, ended=ended)
        self.closed.append(number)
        return shard

    def _open(self, start: int, end: int, parent: Shard, adjacent: Shard | None = None) -> int:
        parents = [one.created for one in (parent, adjacent) if one is not None]
        shard = Shard(
            number=self._next,
            start=str(start),
            end=str(end),
            created=max(self._now, max(parents) + 1),
            parent=parent.number,
            adjacent=None if adjacent is None else adjacent.number,
        )
        self._shards[shard.number] = shard
        self._next += 1
        return shard.number


def scaled(stream: Stream, count: int, now: int) -> Reshard:
    """A stream on its way to `count` shards of the same size."""
    change = Reshard(stream, now)
    change.scale(even_starts(count))
    return change
