"""What a function's code requires: `requirements.txt` by pip, `package.json` by npm, installed once and kept.

What was installed is kept in the user's cache directory under the hash of what was asked for. A directory that brings
its packages along (a `node_modules`) is taken as it is.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import click

from kumoi.sandbox.interface import RuntimeUnavailable
from kumoi.sandbox.interpreters import Interpreters

Tell = Callable[[str], None]


def installed(code: Path, runtime: str, tell: Tell) -> Path | None:
    """The directory with what the code of a directory requires; None when it requires nothing."""
    wanted = code / "requirements.txt"
    if runtime.startswith("python") and wanted.is_file() and _asks(wanted):
        try:
            runs = asyncio.run(Interpreters().find(runtime))
        except RuntimeUnavailable as error:
            raise click.ClickException(f"{wanted}: {error}") from None
        told = f"{runtime} on 3.{runs.minor}".encode()
        return _kept(wanted.read_bytes() + told, lambda at: _pip(wanted, runs.path, at, tell))
    package = code / "package.json"
    if runtime.startswith("nodejs") and package.is_file() and not (code / "node_modules").exists():
        lock = code / "package-lock.json"
        if json.loads(package.read_text()).get("dependencies"):
            told = package.read_bytes() + (lock.read_bytes() if lock.is_file() else b"")
            return _kept(told + runtime.encode(), lambda at: _npm(package, lock, at, tell))
    return None


def _asks(requirements: Path) -> bool:
    lines = (line.partition("#")[0].strip() for line in requirements.read_text().splitlines())
    return any(lines)


def _kept(key: bytes, install: Callable[[Path], None]) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kumoi" / "requirements"
    place = base / hashlib.sha256(key).hexdigest()[:32]
    if not place.is_dir():
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base) as working:
            made = Path(working) / "made"
            made.mkdir()
            install(made)
            if not place.is_dir():
                made.rename(place)
    return place


def _pip(requirements: Path, interpreter: Path, target: Path, tell: Tell) -> None:
    """Install for the interpreter that will run the function, which may have no pip of its own."""
    tell(f"installing {requirements} with pip")
    pip = [str(interpreter), "-m", "pip"]
    if find_spec("pip") is not None:
        pip = [sys.executable, "-m", "pip", "--python", str(interpreter)]
    command = [*pip, "install", "--target", str(target), "-r", str(requirements)]
    _run([*command, "--disable-pip-version-check", "--no-compile", "--progress-bar", "off"], requirements.parent, tell)


def _npm(package: Path, lock: Path, target: Path, tell: Tell) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise click.ClickException(f"{package} asks for packages, and npm is not installed.")
    tell(f"installing {package} with npm")
    shutil.copy(package, target)
    if lock.is_file():
        shutil.copy(lock, target)
    verb = "ci" if lock.is_file() else "install"
    _run([npm, verb, "--omit=dev", "--no-audit", "--no-fund", "--no-progress"], target, tell)
    for name in ("package.json", "package-lock.json"):
        (target / name).unlink(missing_ok=True)


def _run(command: list[str], directory: Path, tell: Tell) -> None:
    """Run an installer and tell what it tells; ClickException with its words when it fails."""
    with subprocess.Popen(  # noqa: S603  (pip or npm, with what the user's project asks for)
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.strip():
                tell(f"  {line.rstrip()}")
    if process.returncode:
        raise click.ClickException("\n".join([f"{' '.join(command[:4])} failed:", *lines[-12:]]))
