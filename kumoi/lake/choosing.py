"""Which files and rows a reader of the lake needs, as far as that is known before any is opened; pure.

In: what is meant (a view, a selection, a place to go on from) and what the catalog says of files. Out: the files worth
opening, and the condition for rows that files do not decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kumoi.lake.catalog import File
from kumoi.lake.parquet import Sealed, reaches
from kumoi.lake.table import Cursor, Derived, Row, Selection, literal

ROW_GROUP = 122_880
"""Rows of a group within a Parquet file, which is read as a whole."""

Equals = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class View:
    """The rows that a name in a query stands for; None means every account, every region, any time (epoch ms).

    `derived` are columns beside the table's own, by name. `newest` and `oldest` say that of the rows meant only so
    many from the end, or the beginning, are needed: others may be missing.
    """

    table: str
    account: str | None
    region: str | None
    equals: Equals = field(default_factory=dict)
    start: int | None = None
    end: int | None = None
    derived: Mapping[str, Derived] = field(default_factory=dict)
    newest: int | None = None
    oldest: int | None = None

    def selection(self) -> Selection:
        """Which rows are meant."""
        return Selection.of(self.account, self.region, self.equals, self.start, self.end)


def within(file: File, selection: Selection) -> bool:
    """Whether every row of an admitted file is meant, as far as its partition and bounds tell."""
    return (
        selection.equals.keys() <= file.partition.keys()
        and not selection.contains
        and (selection.start is None or file.first_time >= selection.start)
        and (selection.end is None or file.last_time < selection.end)
    )


def edge(sealed: Sequence[Sealed], selection: Selection, count: int, *, reverse: bool) -> list[Sealed]:
    """The files that may hold one of the `count` last rows (`reverse`), or of the first ones."""
    held = 0
    for one in sorted(sealed, key=lambda one: -one.file.first_time if reverse else one.file.last_time):
        if not one.tombstones and within(one.file, selection):
            held += one.file.rows
        if held >= count:
            border = one.file.first_time if reverse else one.file.last_time
            return [other for other in sealed if reaches(other.file, border, reverse)]
    return list(sealed)


def batch_end(ahead: Sequence[Sealed], after: int, rows: int, size: int) -> int:
    """The seq up to which files, the earliest first, are to be read: so many rows and bytes, but some in any case."""
    until, held, bytes_held = after, 0, 0
    for one in ahead:
        held, bytes_held = held + one.file.rows, bytes_held + one.file.size
        if held > rows or bytes_held > size:
            break
        until = max(until, one.file.last_seq)
    if until > after:
        return until
    first = ahead[0].file
    share = min(rows, max(first.rows * size // first.size, 1)) if first.size else rows
    if share >= ROW_GROUP:  # so that no group is read for two batches, where the file has no gaps
        share -= (max(after - first.first_seq + 1, 0) + share) % ROW_GROUP
    return max(first.first_seq - 1, after) + share


def behind(files: Sequence[Sealed], after: Cursor, until: int, end: int | None) -> str:
    """The condition for rows behind a place, up to a seq and before a time; no more of it than files do not say."""
    terms = []
    if any(one.file.first_seq <= after.seq or one.file.first_time < after.time for one in files):
        terms.append(f'("time", seq) > ({literal(after.time)}, {literal(after.seq)})')
    if any(one.file.last_seq > until for one in files):
        terms.append(f"seq <= {literal(until)}")
    if end is not None and any(one.file.last_time >= end for one in files):
        terms.append(f'"time" < {literal(end)}')
    return " AND ".join(terms) or "true"


def bounded(rows: Iterator[Row], column: str | None, size: int) -> Iterator[Row]:
    """Rows as long as a column's texts are not longer than `size` together; the first in any case."""
    held = 0
    for row in rows:
        held += len(row[column] or "") if column else 0
        if held > size and held > len(row[column or ""] or ""):
            return
        yield row


def narrowed(selection: Selection, after: Cursor | None, reverse: bool) -> Selection:
    """Narrow a selection's time to what lies behind a cursor, so that files before it are not opened."""
    if after is None:
        return selection
    if reverse:
        end = after.time + 1
        return replace(selection, end=end if selection.end is None else min(selection.end, end))
    return replace(selection, start=max(selection.start or 0, after.time))
