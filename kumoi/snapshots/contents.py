"""What a snapshot holds, and how two of them differ: read from the archives, without a platform.

Records are told by the account and region they belong to, the kind they are of and their key; what they hold is
compared as bytes.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec

from kumoi.snapshots.archive import BadSnapshot, Manifest, members, read_manifest
from kumoi.snapshots.taking import BLOBS, FILES, LAKE, STATE
from kumoi.state.copying import NotState, check_state
from kumoi.state.keys import decode

_QUERIES = {
    "record": "SELECT k, v FROM rows ORDER BY k",
    "counter": "SELECT k, CAST(n AS BLOB) FROM counters ORDER BY k",
    "stream": "SELECT k, CAST(last AS BLOB) FROM stream_heads ORDER BY k",
    "queued": "SELECT k, CAST(count(*) AS BLOB) FROM queue GROUP BY k ORDER BY k",
    "timer": "SELECT k, CAST(due || topic AS BLOB) FROM timers ORDER BY k, id",
}


class Entry(NamedTuple):
    """One thing of the state: where it belongs, what it is, and its name within its kind."""

    account: str
    region: str
    kind: str
    name: str


class Difference(NamedTuple):
    """One thing that differs: `+` only in the second, `-` only in the first, `~` changed."""

    sign: str
    entry: Entry


class Holdings(msgspec.Struct, frozen=True):
    """What a snapshot holds: records by account, region and kind; files and bytes of each place."""

    manifest: Manifest
    records: dict[tuple[str, str, str], int]
    places: dict[str, tuple[int, int]]


def holdings(archive: Path) -> Holdings:
    """What an archive holds; BadSnapshot when it is none, OSError when it cannot be read."""
    counts: Counter[tuple[str, str, str]] = Counter()
    with _state(archive) as connection:
        for entry, _ in _entries(connection):
            counts[entry.account, entry.region, entry.kind] += 1
    places: dict[str, tuple[int, int]] = {}
    for _, member in members(archive):
        parts = member.name.split("/")
        if parts[0] in (BLOBS, LAKE, FILES) and len(parts) > 1:
            place = "blobs" if parts[0] == BLOBS else f"{parts[0]}/{parts[1]}"
            files, size = places.get(place, (0, 0))
            places[place] = files + 1, size + member.size
    return Holdings(read_manifest(archive), dict(sorted(counts.items())), dict(sorted(places.items())))


def differences(first: Path, second: Path) -> Iterator[Difference]:
    """How the states of two archives differ, in order of their keys."""
    with _state(first) as one, _state(second) as other:
        before, after = _entries(one), _entries(other)
        left, right = next(before, None), next(after, None)
        while left or right:
            if right is None or (left is not None and left[0] < right[0]):
                assert left is not None, "one of the two is there"
                yield Difference("-", left[0])
                left = next(before, None)
            elif left is None or right[0] < left[0]:
                yield Difference("+", right[0])
                right = next(after, None)
            else:
                if left[1] != right[1]:
                    yield Difference("~", left[0])
                left, right = next(before, None), next(after, None)


def _entries(connection: sqlite3.Connection) -> Iterator[tuple[Entry, bytes]]:
    found = [
        (_entry(table, bytes(key)), bytes(value))
        for table, query in _QUERIES.items()
        for key, value in connection.execute(query)
    ]
    found.sort(key=lambda one: one[0])
    yield from found


def _entry(table: str, raw: bytes) -> Entry:
    try:
        account, region, *rest = decode(raw)
    except ValueError:
        return Entry("", "", table, raw.hex())
    if table == "record":
        kind, *name = rest or [""]
        return Entry(str(account), str(region), str(kind), "/".join(map(_text, name)))
    return Entry(str(account), str(region), table, "/".join(map(_text, rest)))


def _text(part: Any) -> str:
    return part.hex() if isinstance(part, bytes) else str(part)


@contextmanager
def _state(archive: Path) -> Iterator[sqlite3.Connection]:
    """The state of an archive, unpacked to be read."""
    read_manifest(archive)
    with TemporaryDirectory(prefix="kumoi-snapshot-") as folder:
        path = Path(folder) / "state.db"
        for opened, member in members(archive):
            if member.name != STATE:
                continue
            content = opened.extractfile(member) if member.isreg() and not member.issparse() else None
            if content is None:
                raise BadSnapshot(f"{archive} holds no state")
            with path.open("wb") as out:
                shutil.copyfileobj(content, out)
            break
        else:
            raise BadSnapshot(f"{archive} holds no state")
        try:
            check_state(path)
        except NotState as error:
            raise BadSnapshot(f"{archive} is not a whole snapshot: {error}") from None
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            yield connection
