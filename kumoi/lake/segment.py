"""The unsealed tail of a table: rows in memory, and the same rows in a write-ahead file of JSON lines.

Rows lie in one bucket per partition, so that reading what is recent costs neither SQL nor a walk over the rows of
others. A table writes to one segment at a time; full ones wait to be sealed.
"""

from __future__ import annotations

import heapq
import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import count, groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kumoi.lake.catalog import Tombstone
from kumoi.lake.files import read_lines, write_all
from kumoi.lake.table import Cursor, Kept, Record, Selection, Table, kept_type, standing

_PREFIX = "tail-"


def _plain(value: Any) -> str:
    """A text of a type of its own (a parser's token) as JSON has it."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"a record holds a {type(value).__name__}, which is no value of a column")


_JSON = msgspec.json.Encoder(enc_hook=_plain)


def lines_of(rows: Sequence[Kept]) -> bytes:
    """Rows as JSON lines."""
    return _JSON.encode_lines(rows)


class Bucket:
    """Rows of one partition, in the table's total order once `in_order` was called."""

    __slots__ = ("_ordered", "partition", "rows")

    def __init__(self, partition: dict[str, str]) -> None:
        self.partition = partition
        self.rows: list[Kept] = []
        self._ordered = True

    def append(self, row: Kept) -> None:
        """Add a row; its seq is the highest so far, its time may be any."""
        rows = self.rows
        if rows and rows[-1].time > row.time:
            self._ordered = False
        rows.append(row)

    def extend(self, rows: list[Kept]) -> None:
        """Add rows, as `append` does one by one."""
        last = self.rows[-1].time if self.rows else rows[0].time
        for row in rows:
            if last > row.time:
                self._ordered = False
                break
            last = row.time
        self.rows += rows

    def in_order(self) -> list[Kept]:
        """The rows by time and arrival."""
        if not self._ordered:
            self.rows.sort(key=standing)
            self._ordered = True
        return self.rows

    def select(self, selection: Selection, after: Cursor | None, reverse: bool) -> Iterator[Kept]:
        """The rows that are meant, from `after` (exclusive) on, in order or reversed."""
        rows = self.in_order()
        low = 0 if selection.start is None else bisect_left(rows, (selection.start, 0), key=standing)
        high = len(rows) if selection.end is None else bisect_left(rows, (selection.end, 0), key=standing)
        if after is not None and reverse:
            high = min(high, bisect_left(rows, (after.time, after.seq), key=standing))
        elif after is not None:
            low = max(low, bisect_right(rows, (after.time, after.seq), key=standing))
        found = rows[low:high]
        predicate = selection.predicate(self.partition)
        ordered = reversed(found) if reverse else iter(found)
        return ordered if predicate is None else filter(predicate, ordered)


class Bounds(NamedTuple):
    """What a bucket holds: its partition, how many rows, and the range of their seq and time."""

    partition: dict[str, str]
    rows: int
    first_seq: int
    last_seq: int
    first_time: int
    last_time: int


class Segment:
    """One write-ahead file and its rows. `complete` is False once rows were deleted that the file still holds."""

    def __init__(self, table: Table, folder: Path, first_seq: int) -> None:
        self.table = table
        self.first_seq = first_seq
        self.path = folder / f"{_PREFIX}{first_seq:016d}.ndjson"
        self.fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self.complete = True
        self.count = 0
        self.size = 0
        self._buckets: dict[Any, Bucket] = {}
        self._order = tuple(table.columns)
        self._kept = kept_type(self._order)
        self._key = attrgetter(*table.partition)

    @classmethod
    def load(cls, table: Table, path: Path, tombstones: Sequence[Tombstone]) -> Segment:
        """Read a segment back, without the rows that were deleted since they were written."""
        rows = read_lines(path, msgspec.json.Decoder(kept_type(tuple(table.columns))).decode)
        segment = cls(table, path.parent, int(path.stem.removeprefix(_PREFIX)))
        segment.size = path.stat().st_size
        for row in rows:
            segment._bucket_of(row).append(row)
        if rows:
            segment.count = rows[-1].seq + 1 - segment.first_seq
        segment.remove(tombstones)
        return segment

    @staticmethod
    def paths(folder: Path) -> list[Path]:
        """The segment files of a table's folder, the oldest first."""
        return sorted(folder.glob(f"{_PREFIX}*.ndjson"))

    @property
    def next_seq(self) -> int:
        """The seq after this segment's last row."""
        return self.first_seq + self.count

    @property
    def empty(self) -> bool:
        """Whether no row is left in memory."""
        return not any(bucket.rows for bucket in self._buckets.values())

    def add(self, records: Sequence[Record]) -> bytes:
        """Take records in, each with the next seq; their lines, to be written to the file."""
        rows = list(map(self._kept, *self._by_column(records), count(self.next_seq)))
        lines = lines_of(rows)
        for place, run in groupby(rows, self._key):
            found = list(run)
            (self._buckets.get(place) or self._bucket_of(found[0])).extend(found)
        self.count += len(rows)
        return lines

    def write(self, content: bytes) -> None:
        """Append lines to the file."""
        write_all(self.fd, content)
        self.size += len(content)

    def select(self, selection: Selection, after: Cursor | None, reverse: bool) -> Iterator[Kept]:
        """The rows that are meant, from `after` (exclusive) on, in the table's order or reversed."""
        found = self.runs(selection, after, reverse)
        return found[0] if len(found) == 1 else heapq.merge(*found, key=standing, reverse=reverse)

    def runs(self, selection: Selection, after: Cursor | None = None, reverse: bool = False) -> list[Iterator[Kept]]:
        """The rows that are meant by bucket, each in order: for readers that need no order among them."""
        return [
            bucket.select(selection, after, reverse)
            for bucket in self._buckets.values()
            if bucket.rows and selection.admits(bucket.partition)
        ]

    def holds(self, stone: Tombstone) -> bool:
        """Whether rows are here that a tombstone deletes."""
        return any(
            stone.admits(bucket.partition) and any(map(stone.buries, bucket.rows)) for bucket in self._buckets.values()
        )

    def remove(self, tombstones: Sequence[Tombstone]) -> None:
        """Forget deleted rows; the file keeps them until the segment is sealed."""
        for key, bucket in list(self._buckets.items()):
            burying = [stone for stone in tombstones if stone.admits(bucket.partition)]
            kept = [row for row in bucket.rows if not any(stone.buries(row) for stone in burying)]
            if len(kept) < len(bucket.rows):
                bucket.rows = kept
                self.complete = False
            if not kept:
                del self._buckets[key]

    def take_back(self, seq: int) -> None:
        """Forget the rows from `seq` on, which could not be written."""
        for bucket in self._buckets.values():
            bucket.rows = [row for row in bucket.rows if row.seq < seq]

    def partitions(self) -> list[dict[str, str]]:
        """The partitions of the rows."""
        return [bucket.partition for bucket in self._buckets.values() if bucket.rows]

    def bounds(self) -> list[Bounds]:
        """What each bucket holds, those without rows left out."""
        return [_bounds(bucket) for bucket in self._buckets.values() if bucket.rows]

    def close(self) -> None:
        """Close the file."""
        os.close(self.fd)

    def _by_column(self, records: Sequence[Record]) -> Iterable[tuple[Any, ...]]:
        """The values of each column; rows that come in the table's order, as they do in bulk, are not walked over."""
        if set(map(type, records)) == {tuple} and set(map(len, records)) == {len(self._order)}:
            return zip(*records, strict=True)
        return zip(*map(self._values, records), strict=True)

    def _values(self, record: Record) -> Iterable[Any]:
        """The columns of a record in the table's order."""
        order = self._order
        if isinstance(record, tuple):
            if len(record) != len(order):
                raise ValueError(f"a record of {self.table.name} has {len(record)} columns, the table {len(order)}")
            return record
        if tuple(record) == order:
            return record.values()
        if record.keys() != self.table.columns.keys():
            raise ValueError(f"a record of {self.table.name} has other columns than the table: {sorted(record)}")
        return [record[name] for name in order]

    def _bucket_of(self, row: Kept) -> Bucket:
        key = self._key(row)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket({name: getattr(row, name) for name in self.table.partition})
        return bucket


def _bounds(bucket: Bucket) -> Bounds:
    rows = bucket.in_order()
    seqs = [row.seq for row in rows]
    return Bounds(bucket.partition, len(rows), min(seqs), max(seqs), rows[0].time, rows[-1].time)
