"""A table of the lake held on to as it is at one moment, and copied while it goes on.

Sealed files never change: they are linked. The catalog and the tail only grow: they are opened at the moment, and
copied up to the size that they had. An open file outlives its name, so that sealing meanwhile takes nothing away.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

_PIECE = 1 << 20


class Pin:
    """One table as it was. `release` is called once, on the loop: files that have left the catalog may go then."""

    def __init__(
        self, folder: Path, sealed: Sequence[str], growing: Sequence[Path], release: Callable[[], None]
    ) -> None:
        self.name = folder.name
        self._folder = folder
        self._sealed = sealed
        self._growing = []
        for path in growing:
            opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._growing.append((path.name, opened, os.fstat(opened).st_size))
        self._release = release

    def copy(self, target: Path) -> None:
        """Copy the table into the directory `target`; blocks."""
        target.mkdir(parents=True, mode=0o700)
        for name, opened, size in self._growing:
            _copy_part(opened, size, target / name)
        for path in self._sealed:
            copy = target / path
            copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            link_or_copy(self._folder / path, copy)

    def release(self) -> None:
        """Let go."""
        for _name, opened, _size in self._growing:
            os.close(opened)
        self._release()


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file that never changes a second name; a copy where the two names lie on different file systems."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def _copy_part(source: int, size: int, target: Path) -> None:
    with target.open("xb") as out:
        at = 0
        while at < size and (piece := os.pread(source, min(_PIECE, size - at), at)):
            out.write(piece)
            at += len(piece)
