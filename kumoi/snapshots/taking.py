"""Staging a snapshot: everything that the platform keeps, as it is at one moment, in a directory of its own.

At the moment, on the loop and between two transactions, blobs, lake and services' databases are pinned; then they are
copied in threads while the platform goes on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import apsw

from kumoi.blobs import Blobs, BlobsPin
from kumoi.lake import Lake
from kumoi.lake.copying import Pin, link_or_copy
from kumoi.state.copying import copy_state
from kumoi.state.sqlite import SqliteState

STATE = "state/kumoi.db"
"""Where the state lies in a snapshot, as it does in a platform's data."""
BLOBS, LAKE, FILES = "blobs", "lake", "files"

_SQLITE = b"SQLite format 3\0"
_SIDE_FILES = ("-wal", "-shm", "-journal")
_SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class Sources:
    """What a snapshot is taken of. `files` are the directories that services keep, by name."""

    state: SqliteState
    blobs: Blobs
    lake: Lake
    files: Mapping[str, Path]


async def stage(sources: Sources, target: Path) -> None:
    """Copy what the platform keeps into the directory `target`, made here; returns when it is there."""
    await asyncio.to_thread(partial((target / STATE).parent.mkdir, mode=0o700, parents=True))
    held: list[BlobsPin | Pin | _FilesPin] = []
    blobs: list[BlobsPin] = []
    tables: list[Pin] = []
    files: list[_FilesPin] = []

    def moment() -> None:
        blobs.append(sources.blobs.pin())
        tables.extend(sources.lake.pin())
        files.extend(_FilesPin(name, path) for name, path in sources.files.items())
        held.extend((*blobs, *tables, *files))

    try:
        await copy_state(sources.state, target / STATE, moment)
        for pin in blobs:
            await asyncio.to_thread(pin.copy, target / BLOBS)
        for table in tables:
            await asyncio.to_thread(table.copy, target / LAKE / table.name)
        for directory in files:
            await asyncio.to_thread(directory.copy, target / FILES)
    finally:
        for one in held:
            one.release()


class _FilesPin:
    """A service's directory: its databases are held on to at once, its other files never change once written."""

    def __init__(self, name: str, root: Path) -> None:
        self._name = name
        self._root = root
        self._databases: dict[Path, apsw.Connection] = {}
        self._files: dict[Path, int] = {}
        for folder, folders, names in os.walk(root):
            folders[:] = [one for one in folders if one != _SCRATCH]
            for path in (Path(folder) / one for one in names if not one.endswith(_SIDE_FILES)):
                if _is_database(path):
                    # By the library that the service has it open with: two of them would break each other's locks.
                    connection = apsw.Connection(str(path))
                    connection.execute("BEGIN")
                    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
                    self._databases[path] = connection
                elif path.is_file() and not path.is_symlink():
                    self._files[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def copy(self, target: Path) -> None:
        for path, connection in self._databases.items():
            with closing(apsw.Connection(str(self._place(path, target)))) as copy:
                with copy.backup("main", connection, "main") as backup:
                    backup.step(-1)
                copy.execute("PRAGMA journal_mode = DELETE")
        for path, opened in self._files.items():
            link_or_copy(Path(f"/proc/self/fd/{opened}") if not path.exists() else path, self._place(path, target))

    def release(self) -> None:
        for connection in self._databases.values():
            connection.close()
        for opened in self._files.values():
            os.close(opened)

    def _place(self, path: Path, target: Path) -> Path:
        place = target / self._name / path.relative_to(self._root)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return place


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as opened:
            return opened.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False
