"""How much memory a sandbox uses, and the kernel's own limit on it where one is to be had.

A memory cgroup (v2 or v1) holds all processes of a sandbox but not its keeper. Its limit is MemorySize plus the
size of /tmp, because the pages of a tmpfs are charged to it as well, and AWS does not count /tmp as memory; the
exact limit, MemorySize for what the processes themselves hold, is kept by measuring. The runtime is moved into its
cgroup while it starts, not before: the kernel takes its time for a move.
"""

from __future__ import annotations

import os
from typing import NamedTuple


class Memory(NamedTuple):
    """The place where sandboxes get cgroups: an open directory, and the controller's version (1 or 2)."""

    directory: int
    version: int


class Cgroup(NamedTuple):
    """One sandbox's cgroup: an open directory."""

    directory: int
    version: int

    def add(self, pid: int) -> None:
        """Move a process in. Takes the kernel some 10 ms of waiting, so nobody in a hurry should call it."""
        _write(self.directory, "cgroup.procs", str(pid))


def create(memory: Memory, name: str, limit_mb: int) -> Cgroup:
    """Make the cgroup `name` with a hard limit."""
    os.mkdir(name, dir_fd=memory.directory)
    directory = os.open(name, os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=memory.directory)
    limit = str(limit_mb << 20)
    if memory.version == 2:
        _write(directory, "memory.max", limit)
        for file, value in (("memory.swap.max", "0"), ("memory.oom.group", "1")):
            try:
                _write(directory, file, value)
            except OSError:
                continue
    else:
        _write(directory, "memory.limit_in_bytes", limit)
    return Cgroup(directory, memory.version)


def remove(memory: Memory, name: str) -> None:
    """Remove the cgroup `name`, empty or never made."""
    try:
        os.rmdir(name, dir_fd=memory.directory)
    except OSError:
        return


def held_kb(pids: list[int]) -> int:
    """The anonymous memory of `pids` together, in KiB."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", "rb") as file:
                for line in file:
                    if line.startswith(b"RssAnon:"):
                        total += int(line.split()[1])
                        break
        except OSError:
            continue
    return total


def _write(directory: int, name: str, text: str) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
