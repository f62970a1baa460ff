"""Which Python interpreters this machine has, and which of them runs a given runtime.

`python3.12` runs on CPython 3.12 where there is one, else on the nearest newer, else on the nearest older one.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kumoi.sandbox.interface import RuntimeUnavailable

_RUNTIME = re.compile(r"python3\.(\d+)")
_PROBE = "import sys; print(sys.implementation.name, sys.version_info[0], sys.version_info[1])"
OLDEST = 8


class Interpreter(NamedTuple):
    """A CPython 3 of minor version `minor`."""

    minor: int
    path: Path


class Interpreters:
    """Finds interpreters; each candidate is started once to learn what it is."""

    def __init__(self) -> None:
        self._probed: dict[Path, Interpreter | None] = {}

    async def find(self, runtime: str) -> Interpreter:
        """The interpreter that runs a runtime; RuntimeUnavailable when none can."""
        match = _RUNTIME.fullmatch(runtime)
        if match is None:
            raise RuntimeUnavailable(
                f"Kumoi runs python3.*, nodejs*.x and provided.* functions; for {runtime}, package a bootstrap with"
                " its runtime client and use provided.al2023."
            )
        wanted = int(match[1])
        own = Interpreter(sys.version_info.minor, _base(sys.executable))
        if own.minor == wanted:
            return own
        found = [own, *await asyncio.to_thread(self._search, wanted)]
        return min(found, key=lambda one: (one.minor < wanted, abs(one.minor - wanted)))

    def _search(self, wanted: int) -> list[Interpreter]:
        exact = [found for path in candidates(wanted) if (found := self._probe(path)) and found.minor == wanted]
        if exact:
            return exact[:1]
        others = [path for minor in range(OLDEST, 21) if minor != wanted for path in candidates(minor)]
        return [found for path in others if (found := self._probe(path)) is not None]

    def _probe(self, path: Path) -> Interpreter | None:
        if path not in self._probed:
            self._probed[path] = _ask(path)
        return self._probed[path]


def candidates(minor: int) -> Iterator[Path]:
    """Where a CPython of a minor version may lie: on PATH, in pyenv's versions, in the usual directories."""
    name = f"python3.{minor}"
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    folders += [Path("/usr/local/bin"), Path("/usr/bin"), Path("/opt/homebrew/bin")]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    if pyenv.is_dir():
        folders += [version / "bin" for version in sorted(pyenv.iterdir(), reverse=True)]
    seen: set[Path] = set()
    for folder in folders:
        path = folder / name
        if "shims" in folder.parts or not os.access(path, os.X_OK):
            continue
        real = path.resolve()
        if real not in seen:
            seen.add(real)
            yield real


def _ask(path: Path) -> Interpreter | None:
    try:
        done = subprocess.run([path, "-I", "-S", "-c", _PROBE], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
        name, major, minor = done.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if name != "cpython" or major != "3" or int(minor) < OLDEST:
        return None
    return Interpreter(int(minor), path)


def _base(executable: str) -> Path:
    """The interpreter itself, not a virtual environment's link to it."""
    base: str = getattr(sys, "_base_executable", None) or executable
    return Path(base).resolve()
