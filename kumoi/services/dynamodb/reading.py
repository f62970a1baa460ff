"""Pages of rows: what Query and Scan evaluate, in order, up to a number of items or a megabyte.

A page is read in several short transactions, so that a long one holds up nobody; like DynamoDB's, it is no snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from kumoi.services.dynamodb.keys import BUCKETS, EntryKey, ItemKey
from kumoi.services.dynamodb.storage import ITEMS, Row, find
from kumoi.state import Key, State, Transaction, transactional

PAGE_BYTES = 1 << 20
LARGEST_READ, SMALLEST_READ = 200, 8
FIRST_READ = 50


class Span(NamedTuple):
    """A range of rows of a table or index: the rows under `prefix` between two exclusive bounds."""

    prefix: Key
    after: Key | None = None
    before: Key | None = None
    reverse: bool = False


def whole(id: int, segment: int = 0, segments: int = 1) -> Span:
    """All rows of a table or index, or one of `segments` equal parts of it."""
    prefix: Key = (ITEMS, id)
    low, high = -(-BUCKETS * segment // segments), -(-BUCKETS * (segment + 1) // segments)
    return Span(prefix, after=(*prefix, low), before=(*prefix, high))


def in_segment(key: ItemKey | EntryKey, segment: int, segments: int) -> bool:
    """Whether a row lies in that part of its table."""
    return -(-BUCKETS * segment // segments) <= key.bucket < -(-BUCKETS * (segment + 1) // segments)


def partition(id: int, key: ItemKey, operator: str, operands: tuple[bytes, ...], *, reverse: bool) -> Span:
    """The rows of a partition whose sort key satisfies `operator` ("" for all); `key.range` is not looked at.

    Rows have one more element behind the sort key: a bound without it lies before the rows of that sort key, one with
    an integer there behind them.
    """
    prefix: Key = (ITEMS, id, key.bucket, key.hash)
    before: Key | None = None
    after: Key | None = None
    if operator in ("=", ">=", "BETWEEN"):
        after = (*prefix, operands[0])
    elif operator == ">":
        after = (*prefix, operands[0], 0)
    elif operator == "begins_with":
        after = (*prefix, operands[0])
        before = (*prefix, end) if (end := after_prefix(operands[0])) else None
    if operator in ("=", "<=", "BETWEEN"):
        before = (*prefix, operands[-1], 0)
    elif operator == "<":
        before = (*prefix, operands[0])
    return Span(prefix, after, before, reverse)


def after_prefix(prefix: bytes) -> bytes:
    """The first bytes behind all that begin with `prefix`; empty when there are none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes((kept[-1] + 1,)) if kept else b""


def continued(span: Span, start: Key | None) -> Span:
    """The rest of a span behind (in its direction) the key `start`, which lies in it."""
    if start is None:
        return span
    if span.reverse:
        return Span(span.prefix, span.after, start, reverse=True)
    return Span(span.prefix, start, span.before)


@dataclass(slots=True)
class Page:
    """What was read: how many rows, of how many bytes, the last of them (None at the end of the span).

    `fetched_units` are the 4 KB steps of the items that were looked up in the table for a local index.
    """

    scanned: int = 0
    size: int = 0
    last: Row | None = None
    fetched_steps: int = 0


async def read_page(
    state: State,
    span: Span,
    limit: int | None,
    take: Callable[[Row], None],
    *,
    base: int | None = None,
) -> Page:
    """Hand each row to `take`, in order, until `limit` rows or a megabyte are read.

    With `base`, the id of the table whose local index is read, `take` gets the items of the table instead.
    """
    page = Page()
    wanted = FIRST_READ
    while True:
        if limit is not None:
            wanted = min(wanted, limit - page.scanned)
        ends = limit is not None and page.scanned + wanted == limit
        rows, end = await _read(state, span, wanted, base, ends)
        last: Row | None = None
        for row, fetched in rows:
            page.scanned += 1
            page.size += row.size
            if fetched is not None:
                page.fetched_steps += -(-fetched.size // 4096)
            take(fetched or row)
            last = row
            if page.size >= PAGE_BYTES:
                break
        if page.size >= PAGE_BYTES or page.scanned == limit:
            page.last = last
            return page
        if len(rows) < wanted:
            return page
        span = continued(span, end)
        average = max(page.size // page.scanned, 1)
        wanted = max(min((PAGE_BYTES - page.size) // average + 1, LARGEST_READ), SMALLEST_READ)
        await asyncio.sleep(0)


Read = tuple[list[tuple[Row, Row | None]], Key | None]
"""Rows, each with the item that was looked up for it, and the key of the last."""


@transactional
async def _read(tx: Transaction, span: Span, limit: int, base: int | None, ends: bool) -> Read:
    """Rows of a span; where the page `ends` with them, nobody goes on behind the last."""
    if base is None and ends:
        values = await tx.values(span.prefix, after=span.after, before=span.before, limit=limit, reverse=span.reverse)
        return [(Row(value), None) for value in values], None
    if base is None:
        values, end = await tx.page(
            span.prefix, after=span.after, before=span.before, limit=limit, reverse=span.reverse
        )
        return [(Row(value), None) for value in values], end
    entries = await tx.range(span.prefix, after=span.after, before=span.before, limit=limit, reverse=span.reverse)
    found: list[tuple[Row, Row | None]] = []
    for entry in entries:
        tail = entry.key[-1]
        assert isinstance(tail, bytes)
        length = int.from_bytes(tail[:2])
        hash_bytes = tail[2 : 2 + length]
        bucket = entry.key[2]
        assert isinstance(bucket, int)
        fetched = await find(tx, base, ItemKey(bucket, hash_bytes, tail[2 + length :]))
        found.append((Row(entry.value), fetched))
    return found, entries[-1].key if entries else None
