"""`kumoi run -- CMD`: run a command against the platform, or against a fresh one when none is up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from kumoi.cli.connection import Connection, data_option, environment


@click.command("run", context_settings={"ignore_unknown_options": True})
@data_option
@click.option("--fresh", is_flag=True, help="Start a platform of its own even when one is up.")
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD …")
def command(data: Path | None, fresh: bool, arguments: tuple[str, ...]) -> None:
    """Run CMD with the environment set; exits with its status."""
    with _platform(data, fresh) as url:
        try:
            done = subprocess.run(arguments, env={**os.environ, **environment(url)}, check=False)  # noqa: S603
        except FileNotFoundError:
            raise click.ClickException(f"there is no command {arguments[0]!r}.") from None
    sys.exit(done.returncode if done.returncode >= 0 else 128 - done.returncode)


@contextmanager
def _platform(data: Path | None, fresh: bool) -> Iterator[str]:
    """The URL of the platform that is up, or of an ephemeral one for the length of the block."""
    if not fresh:
        try:
            yield Connection.find(data).url
            return
        except click.UsageError:
            pass
    with tempfile.TemporaryDirectory(prefix="kumoi-run-") as directory:
        kumoi = [sys.executable, "-m", "kumoi"]
        started = [*kumoi, "up", "-d", "--ephemeral", "--port", "0", "--data", directory]
        subprocess.run(started, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        try:
            yield Connection.find(Path(directory)).url
        finally:
            subprocess.run([*kumoi, "down", "--data", directory], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
