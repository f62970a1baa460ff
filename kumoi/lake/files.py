"""Files of JSON lines that survive a crash: whole lines count, a torn last one is cut."""

from __future__ import annotations

import os
from pathlib import Path


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


def read_lines(path: Path) -> list[bytes]:
    """The whole lines of a file; what follows the last line break was never acknowledged and is cut off.

    A missing file has no lines.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    return content[:whole].splitlines()


def sync_file(path: Path) -> None:
    """Have a file, and its name in its folder, on disk (blocks; call it in a thread)."""
    for target in (path, path.parent):
        fd = os.open(target, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
