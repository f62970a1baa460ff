"""What a table consists of besides its tail: sealed files, and tombstones for rows that were deleted from them.

The catalog is a journal of changes, one JSON line each; a change holds whole or not at all, so sealing, merging and
deleting are atomic whatever happens in between. A Parquet file that no change names does not exist.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from kumoi.lake.files import read_lines, write_all
from kumoi.lake.table import Kept, Selection, literal

_TIERS = (1_000, 8_000, 64_000, 512_000)
_MERGE_FILES = 8
_MANY_TOMBSTONES = 32


class File(msgspec.Struct, frozen=True):
    """A sealed Parquet file, by its path within the table's folder, and what can be known without opening it.

    `clean` is the highest tombstone that was applied when it was written, `derived` names the columns it holds beside
    the table's own, `size` is the bytes of the column that the table measures.
    """

    path: str
    partition: dict[str, str]
    rows: int
    first_seq: int
    last_seq: int
    first_time: int
    last_time: int
    clean: int = 0
    derived: tuple[str, ...] = ()
    size: int = 0

    @property
    def tier(self) -> int:
        """Files of one tier are merged into one of the next; those of the last tier stay."""
        return sum(self.rows >= bound for bound in _TIERS)


class Tombstone(msgspec.Struct, frozen=True):
    """Rows up to `seq` with columns equal to one of these values, and older than `before` (epoch ms), are deleted."""

    id: int
    seq: int
    equals: dict[str, list[str]]
    before: int | None = None

    def admits(self, partition: Mapping[str, str]) -> bool:
        """Whether rows of a partition can be deleted by this."""
        return all(partition[column] in values for column, values in self.equals.items() if column in partition)

    def buries(self, row: Kept) -> bool:
        """Whether a row is deleted."""
        return (
            row.seq <= self.seq
            and (self.before is None or row.time < self.before)
            and all(getattr(row, column) in values for column, values in self.equals.items())
        )

    def concerns(self, file: File) -> bool:
        """Whether a file may still hold rows that are deleted."""
        return (
            self.id > file.clean
            and self.seq >= file.first_seq
            and (self.before is None or file.first_time < self.before)
            and self.admits(file.partition)
        )

    def covers(self, file: File) -> bool:
        """Whether all rows of a file are deleted, as far as its partition and bounds tell."""
        return (
            self.concerns(file)
            and self.seq >= file.last_seq
            and (self.before is None or file.last_time < self.before)
            and self.equals.keys() <= file.partition.keys()
        )

    def sql(self) -> str:
        """The condition that holds for deleted rows alone, as SQL text."""
        equals = {column: frozenset(values) for column, values in self.equals.items()}
        return f"(seq <= {literal(self.seq)} AND {Selection(equals, end=self.before).sql()})"


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """One atomic change: files added and dropped, a segment that was sealed into them, tombstones set and lifted."""

    add: list[File] = []
    drop: list[str] = []
    sealed: str | None = None
    bury: list[Tombstone] = []
    lift: list[int] = []


class Catalog:
    """The files and tombstones of one table, kept in `folder`/catalog.ndjson."""

    def __init__(self, folder: Path) -> None:
        self.files: dict[str, File] = {}
        self.tombstones: dict[int, Tombstone] = {}
        self._sealed: set[str] = set()
        self.path = folder / "catalog.ndjson"
        changes = read_lines(self.path, msgspec.json.Decoder(Change).decode)
        for change in changes:
            self._apply(change)
        if len(changes) > 100:
            self._rewrite()
        self._fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._next_file = 1 + max((int(Path(path).stem) for path in self.files), default=0)
        known = [*self.tombstones, *(file.clean for file in self.files.values())]
        self._next_tombstone = 1 + max(known, default=0)

    @property
    def last_seq(self) -> int:
        """The highest sequence number in a sealed file or a tombstone; 0 without any."""
        seqs = [*(file.last_seq for file in self.files.values()), *(stone.seq for stone in self.tombstones.values())]
        return max(seqs, default=0)

    @property
    def last_tombstone(self) -> int:
        """The highest tombstone given out: what a file written now is clean of."""
        return self._next_tombstone - 1

    def is_sealed(self, segment: str) -> bool:
        """Whether a segment's rows lie in sealed files, so that its file is only left over."""
        return segment in self._sealed

    def new_name(self) -> str:
        """A name for a file that is about to be written."""
        self._next_file += 1
        return f"{self._next_file - 1:08d}.parquet"

    def new_tombstone(self, seq: int, equals: dict[str, list[str]], before: int | None) -> Tombstone:
        """A tombstone, not yet recorded."""
        self._next_tombstone += 1
        return Tombstone(self._next_tombstone - 1, seq, equals, before)

    def record(self, change: Change) -> None:
        """Write a change to the journal and apply it; OSError leaves both as they were."""
        write_all(self._fd, msgspec.json.encode(change) + b"\n")
        self._apply(change)

    def sync(self) -> None:
        """Have the journal on disk (blocks; call it in a thread)."""
        os.fsync(self._fd)

    def close(self) -> None:
        """Close the journal."""
        os.close(self._fd)

    def burying(self, file: File) -> list[Tombstone]:
        """The tombstones that a reader of `file` must apply."""
        return [stone for stone in self.tombstones.values() if stone.concerns(file)]

    def covered(self) -> list[str]:
        """Files of which nothing is left."""
        return [
            path for path, file in self.files.items() if any(stone.covers(file) for stone in self.tombstones.values())
        ]

    def spent(self, first_unsealed_seq: int) -> list[int]:
        """Tombstones that nothing needs any longer: neither a file nor the unsealed rows from `first_unsealed_seq`."""
        return [
            stone.id
            for stone in self.tombstones.values()
            if stone.seq < first_unsealed_seq and not any(stone.concerns(file) for file in self.files.values())
        ]

    def to_rewrite(self) -> list[File]:
        """Files of one partition to write anew as one; empty when the table is tidy."""
        if len(self.tombstones) > _MANY_TOMBSTONES:
            for file in self.files.values():
                if self.burying(file):
                    return [file]
        return _merge_candidates(self.files.values())

    def _apply(self, change: Change) -> None:
        for path in change.drop:
            self.files.pop(path, None)
        self.files.update((file.path, file) for file in change.add)
        self.tombstones.update((stone.id, stone) for stone in change.bury)
        for number in change.lift:
            self.tombstones.pop(number, None)
        if change.sealed is not None:
            self._sealed.add(change.sealed)

    def _rewrite(self) -> None:
        """Replace the journal by one change that says the same. Sealed segments are named until they are gone."""
        folder = self.path.parent
        left = [name for name in self._sealed if (folder / name).exists()]
        changes = [Change(list(self.files.values()), bury=list(self.tombstones.values()))]
        changes += [Change(sealed=name) for name in left]
        fresh = self.path.with_suffix(".new")
        with fresh.open("wb") as out:
            out.writelines(msgspec.json.encode(change) + b"\n" for change in changes)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(self.path)


def _merge_candidates(files: Iterable[File]) -> list[File]:
    groups: dict[tuple[int, *tuple[str, ...]], list[File]] = {}
    for file in files:
        if file.tier < len(_TIERS):
            group = groups.setdefault((file.tier, *file.partition.values()), [])
            group.append(file)
            if len(group) == _MERGE_FILES:
                return group
    return []
