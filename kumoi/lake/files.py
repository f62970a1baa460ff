"""Files of JSON lines that survive a crash: whole lines count, what follows the last good one is cut."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")


def write_all(fd: int, content: bytes) -> None:
    """Append `content` to a file opened with O_APPEND, all of it or (OSError) nothing."""
    size = os.lseek(fd, 0, os.SEEK_END)
    try:
        written = os.write(fd, content)
        while written < len(content):
            written += os.write(fd, content[written:])
    except OSError:
        os.ftruncate(fd, size)
        raise


def read_lines(path: Path, decode: Callable[[bytes], T]) -> list[T]:
    """The decoded lines of a file up to its end, or to the first that is torn (`decode` raises ValueError).

    What follows that was never acknowledged, or was lost with the machine's power: it is cut off, so that the file
    can be appended to again. A missing file has no lines.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    found: list[T] = []
    good = 0
    while (end := content.find(b"\n", good)) >= 0:
        try:
            found.append(decode(content[good:end]))
        except ValueError:
            break
        good = end + 1
    if good < len(content):
        logger.warning("%s is cut at byte %d of %d: what follows is not whole", path, good, len(content))
        os.truncate(path, good)
    return found


def sync_file(path: Path) -> None:
    """Have a file, and its name in its folder, on disk (blocks; call it in a thread)."""
    for target in (path, path.parent):
        fd = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
