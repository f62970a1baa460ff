"""A place for memory cgroups, where the machine has one for us: version 2 delegated, or a writable version 1."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

from kumoi.names import hex_id

_ROOT = Path("/sys/fs/cgroup")


class CgroupPlace(NamedTuple):
    """A directory below which sandboxes get cgroups, and the controller's version."""

    directory: Path
    version: int

    def remove(self) -> None:
        """Remove it, with what sandboxes left below."""
        with contextlib.suppress(OSError):
            for child in self.directory.iterdir():
                if child.is_dir():
                    with contextlib.suppress(OSError):
                        child.rmdir()
            self.directory.rmdir()


def make_place() -> CgroupPlace | None:
    """A new place for cgroups; None where there is none to be had."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "" and (place := _make(_ROOT / path.lstrip("/"), 2)):
            return place
        if "memory" in controllers.split(",") and (place := _make(_ROOT / "memory" / path.lstrip("/"), 1)):
            return place
    return None


def _make(parent: Path, version: int) -> CgroupPlace | None:
    directory = parent / f"kumoi-{hex_id(8)}"
    try:
        if version == 2 and "memory" not in (parent / "cgroup.subtree_control").read_text().split():
            return None
        directory.mkdir()
    except OSError:
        return None
    try:
        if version == 2:
            (directory / "cgroup.subtree_control").write_text("+memory")
        elif not (directory / "memory.limit_in_bytes").exists():
            raise OSError("no memory controller here")
    except OSError:
        with contextlib.suppress(OSError):
            directory.rmdir()
        return None
    return CgroupPlace(directory, version)
