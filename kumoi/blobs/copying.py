"""The blobs of one moment, copied while blobs come and go.

A blob never changes, so that its file is linked. While somebody copies, blobs that are deleted stay where they are:
what state refers to at that moment is there to the end.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path


class Removals:
    """Removes files, later while somebody copies. Called from threads and from the loop."""

    def __init__(self) -> None:
        self._copying = 0
        self._doomed: list[Path] = []

    def remove(self, path: Path) -> None:
        """Remove a file; one that is not there is passed over."""
        if self._copying:
            self._doomed.append(path)
        else:
            path.unlink(missing_ok=True)

    def hold(self) -> None:
        """Begin to copy."""
        self._copying += 1

    def release(self) -> None:
        """Somebody has copied; what was to be removed meanwhile goes now."""
        self._copying -= 1
        if not self._copying:
            doomed, self._doomed = self._doomed, []
            for path in doomed:
                path.unlink(missing_ok=True)


class FilesPin:
    """Blobs that lie in files below `root`."""

    def __init__(self, root: Path, removals: Removals) -> None:
        self._root = root
        self._removals = removals
        removals.hold()

    def copy(self, target: Path) -> None:
        """Link or copy every blob to the same place below `target`; blocks."""
        for folder, folders, names in os.walk(self._root):
            folders[:] = [name for name in folders if name != "tmp"]
            copy = target / Path(folder).relative_to(self._root)
            copy.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name in names:
                _link_or_copy(Path(folder) / name, copy / name)

    def release(self) -> None:
        """Let deleted blobs go."""
        self._removals.release()


class MemoryPin:
    """Blobs that lay in memory, by the place of their files."""

    def __init__(self, blobs: Mapping[str, bytes]) -> None:
        self._blobs = blobs

    def copy(self, target: Path) -> None:
        """Write every blob below `target`; blocks."""
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        for place, content in self._blobs.items():
            path = target / place
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(content)

    def release(self) -> None:
        """Nothing is held."""


def read_blobs(root: Path, take: Callable[[str, str, bytes], None]) -> None:
    """Read blobs that were copied: `take(section, id, content)`, the section empty for those of none; blocks."""
    for path in root.rglob("*"):
        if path.is_file():
            places = path.relative_to(root).parts
            take(places[0] if len(places) == 4 else "", path.name, path.read_bytes())


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        return  # deleted before the moment
    except OSError:
        shutil.copyfile(source, target)
