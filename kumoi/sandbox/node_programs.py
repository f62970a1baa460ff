"""Which Node.js installations this machine has, and which of them runs a given runtime.

`nodejs20.x` runs on Node.js 20 where there is one, else on the nearest newer, else on the nearest older one.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kumoi.sandbox.interface import RuntimeUnavailable

_RUNTIME = re.compile(r"nodejs(\d+)\.x")
_VERSION = re.compile(r"v(\d+)\.")
_MANAGERS = (
    ".nvm/versions/node/*/bin/node",
    ".local/share/fnm/node-versions/*/installation/bin/node",
    ".fnm/node-versions/*/installation/bin/node",
    ".volta/tools/image/node/*/bin/node",
    ".asdf/installs/nodejs/*/bin/node",
    ".local/share/mise/installs/node/*/bin/node",
)
OLDEST = 18


class NodeProgram(NamedTuple):
    """A Node.js of a major version."""

    major: int
    path: Path


class NodePrograms:
    """Finds Node.js; each candidate is started once to learn its version."""

    def __init__(self) -> None:
        self._found: list[NodeProgram] | None = None
        self._finding = asyncio.Lock()

    async def find(self, runtime: str) -> NodeProgram:
        """The Node.js that runs a runtime; RuntimeUnavailable when there is none."""
        match = _RUNTIME.fullmatch(runtime)
        if match is None:
            raise RuntimeUnavailable(f"{runtime} is no Node.js runtime.")
        async with self._finding:
            if self._found is None:
                self._found = await asyncio.to_thread(_search)
        if not self._found:
            raise RuntimeUnavailable(
                f"{runtime} functions need Node.js {OLDEST} or newer on this machine; none was found on PATH or with"
                " nvm, fnm, volta, asdf or mise."
            )
        wanted = int(match[1])
        return min(self._found, key=lambda one: (one.major < wanted, abs(one.major - wanted)))

    @staticmethod
    def prefixes() -> list[Path]:
        """The directories that installations live in (`/usr`, `~/.nvm/versions/node/v20.9.0`)."""
        return sorted({path.parent.parent for path in candidates()})

    @staticmethod
    def shared_modules() -> Path | None:
        """The node_modules directory that holds the AWS SDK for JavaScript v3.

        It is the one that `KUMOI_NODE_MODULES` names, that of `kumoi runtime install nodejs`, or npm's global one.
        """
        given = os.environ.get("KUMOI_NODE_MODULES")
        installed = [prefix / "lib" / "node_modules" for prefix in NodePrograms.prefixes()]
        places = [Path(given)] if given else [bundled_sdk() / "node_modules", *installed]
        return next((place.resolve() for place in places if (place / "@aws-sdk").is_dir()), None)

    @staticmethod
    def shown() -> list[Path]:
        """The directories that sandboxes have to see: those of installations, and that of the SDK."""
        prefixes, modules = NodePrograms.prefixes(), NodePrograms.shared_modules()
        if modules is None or any(modules.is_relative_to(prefix) for prefix in prefixes):
            return prefixes
        return [*prefixes, modules]


def bundled_sdk() -> Path:
    """Where `kumoi runtime install nodejs` puts the SDK: in the user's data directory, shared by all platforms."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "kumoi-runtimes" / "nodejs"


def candidates() -> Iterator[Path]:
    """Where Node.js may lie: on PATH, in the usual directories, with the version managers."""
    on_path = shutil.which("node")
    paths = [Path(on_path)] if on_path else []
    paths += [Path("/usr/local/bin/node"), Path("/usr/bin/node"), Path("/opt/homebrew/bin/node")]
    home = Path.home()
    for pattern in _MANAGERS:
        paths += sorted(home.glob(pattern), reverse=True)
    seen: set[Path] = set()
    for path in paths:
        if not os.access(path, os.X_OK):
            continue
        real = path.resolve()
        if real.name == "node" and real not in seen:
            seen.add(real)
            yield real


def _search() -> list[NodeProgram]:
    return [found for path in candidates() if (found := _ask(path)) is not None and found.major >= OLDEST]


def _ask(path: Path) -> NodeProgram | None:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.match(done.stdout)
    return NodeProgram(int(match[1]), path) if match else None
