"""A bucket read in order: keys and versions behind a marker, what a delimiter groups skipped with one look-up a group.

In: prefix, delimiter, marker, how many. Out: a page of records and common prefixes, and whether there is more. A page
costs the same wherever it begins and however many keys a group has. Rules: "Listing object keys programmatically".
"""

from __future__ import annotations

from typing import NamedTuple

from kumoi.services.s3.records import Bucket, ListedVersion, current, listed_current, listed_others, row_text
from kumoi.state import Transaction
from kumoi.state.interface import Key
from kumoi.state.space import Space

_NEAR = 8
"""Rows read before looking behind a group: a look-up costs about as much."""

_MOST = 1000


class Page(NamedTuple):
    """Records and common prefixes (as bytes) in order; `more` is whether anything follows."""

    items: list[ListedVersion | bytes]
    more: bool


def before(prefix: bytes) -> bytes | None:
    """A bound just before every key that begins with `prefix`; None where there is nothing before. No key has a FF."""
    if not prefix:
        return None
    return prefix[:-1] + bytes([prefix[-1] - 1, 0xFF]) if prefix[-1] else prefix[:-1]


def behind(prefix: bytes) -> bytes:
    """A bound just behind every key that begins with `prefix`."""
    return prefix + b"\xff"


def group_of(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    """The common prefix that a key falls under; None when it stands for itself."""
    if not delimiter:
        return None
    at = key.find(delimiter, len(prefix))
    return None if at < 0 else key[: at + len(delimiter)]


def first_bound(prefix: bytes, delimiter: bytes, marker: bytes) -> bytes | None:
    """The bound behind which a page begins: a marker inside a group hides the group's entry, not those behind it."""
    if marker and marker >= prefix:
        if marker.startswith(prefix) and (group := group_of(marker, prefix, delimiter)) is not None:
            return behind(group)
        return marker
    return before(prefix)


class Cursor:
    """Rows of one space in order, read in portions that grow while nothing is skipped."""

    def __init__(self, tx: Transaction, space: Space[ListedVersion], bucket: int, prefix: bytes, portion: int) -> None:
        self._tx = tx
        self._space = space
        self._bucket = bucket
        self._prefix = prefix
        self._portion = portion
        self._rows: list[ListedVersion] = []
        self._at = 0
        self._after: Key | None = None
        self._ended = False

    def seek(self, *bound: bytes | int) -> None:
        """Go on behind a bound."""
        self._rows, self._at, self._ended = [], 0, False
        self._after = (self._bucket, *bound)

    def skip(self, group: bytes) -> bool:
        """Pass over what is at hand of a group; whether that was all of it."""
        prefix = group.decode("utf-8", "surrogatepass")
        while self._at < len(self._rows):
            if not self._rows[self._at].key.startswith(prefix):
                return True
            self._at += 1
        return self._ended

    async def peek(self) -> ListedVersion | None:
        """The next row; None at the end."""
        if self._at == len(self._rows):
            if self._ended:
                return None
            await self._read()
            if not self._rows:
                return None
        return self._rows[self._at]

    def advance(self) -> None:
        """Step over the row that `peek` gave."""
        self._at += 1

    def narrow(self) -> None:
        """Read small portions from here: groups are being skipped."""
        self._portion = 1

    async def _read(self) -> None:
        rows = await self._space.list(self._tx, self._bucket, after=self._after, limit=self._portion)
        self._ended = len(rows) < self._portion
        self._at = 0
        self._portion = min(2 * self._portion, _MOST)
        if rows:
            self._after = _bound_of(self._space, rows[-1])
        text = self._prefix.decode("utf-8", "surrogatepass")
        if rows and text and not rows[-1].key.startswith(text):
            rows = [row for row in rows if row.key.startswith(text)]
            self._ended = True
        self._rows = rows


def _bound_of(space: Space[ListedVersion], row: ListedVersion) -> Key:
    key = row_text(row.key)
    return (row.bucket, key, -row.seq) if space is listed_others else (row.bucket, key)


async def objects(tx: Transaction, bucket: Bucket, prefix: bytes, delimiter: bytes, marker: bytes, most: int) -> Page:
    """A page of current objects behind `marker`."""
    if most <= 0:
        return Page([], False)
    bound = first_bound(prefix, delimiter, marker)
    if not delimiter:
        after = None if bound is None else (bucket.id, bound)
        rows = await listed_current.list(tx, bucket.id, after=after, limit=most + 1)
        if prefix and rows and not row_text(rows[-1].key).startswith(prefix):
            text = prefix.decode("utf-8", "surrogatepass")
            rows = [row for row in rows if row.key.startswith(text)]
        return Page([*rows[:most]], len(rows) > most)
    cursor = Cursor(tx, listed_current, bucket.id, prefix, _NEAR)
    if bound is not None:
        cursor.seek(bound)
    items: list[ListedVersion | bytes] = []
    while (row := await cursor.peek()) is not None:
        if len(items) == most:
            return Page(items, True)
        group = group_of(row_text(row.key), prefix, delimiter)
        if group is None:
            items.append(row)
            cursor.advance()
            continue
        items.append(group)
        if not cursor.skip(group):
            cursor.narrow()
            cursor.seek(behind(group))
    return Page(items, False)


async def versions(
    tx: Transaction, bucket: Bucket, prefix: bytes, delimiter: bytes, marker: bytes, seq: int | None, most: int
) -> Page:
    """A page of versions and delete markers, by key and newest first, behind a key, or behind a version of it."""
    if most <= 0:
        return Page([], False)
    portion = _NEAR if delimiter else most + 1
    present, rest = (Cursor(tx, space, bucket.id, prefix, portion) for space in (listed_current, listed_others))
    if seq is not None:
        # What `current` has of the key is its newest version: behind it, or it is the marker itself.
        newest = await current.get(tx, bucket.id, marker)
        if newest is not None and newest.seq < seq:
            present.seek(before(marker) or b"")
        else:
            present.seek(marker)
        rest.seek(marker, -seq)
    elif (bound := first_bound(prefix, delimiter, marker)) is not None:
        present.seek(bound)
        rest.seek(bound, 1)  # behind all versions of a key that is the bound
    items: list[ListedVersion | bytes] = []
    while True:
        left, right = await present.peek(), await rest.peek()
        row = left if right is None or (left is not None and _order(left) <= _order(right)) else right
        if row is None:
            return Page(items, False)
        if len(items) == most:
            return Page(items, True)
        group = group_of(row_text(row.key), prefix, delimiter)
        if group is None:
            items.append(row)
            (present if row is left else rest).advance()
            continue
        items.append(group)
        for cursor in (present, rest):
            if not cursor.skip(group):
                cursor.narrow()
                cursor.seek(behind(group))


def _order(row: ListedVersion) -> tuple[bytes, int]:
    return row_text(row.key), -row.seq
