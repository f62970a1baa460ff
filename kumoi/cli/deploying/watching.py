"""Waiting for a change of files: their names, sizes and times are looked at several times a second."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from kumoi.cli.deploying.packages import files_of

POLL_SECONDS = 0.1
Seen = dict[Path, tuple[int, int]]


def look(sources: Iterable[Path]) -> Seen:
    """The files of some files and directories as they are."""
    found: Seen = {}
    for source in sources:
        try:
            for path in files_of(source) if source.is_dir() else [source]:
                status = path.stat()
                found[path] = (status.st_mtime_ns, status.st_size)
        except OSError:
            continue  # being written, or moved
    return found


def wait_for_change(sources: Iterable[Path], before: Seen) -> Seen:
    """Return once the files differ from what was seen, and have come to rest; how they are then."""
    sources = list(sources)
    while (now := look(sources)) == before:
        time.sleep(POLL_SECONDS)
    while True:
        time.sleep(POLL_SECONDS / 2)  # who writes a file empties it first
        before, now = now, look(sources)
        if now == before:
            return now


def changed(before: Seen, after: Seen) -> list[Path]:
    """The files that differ."""
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
