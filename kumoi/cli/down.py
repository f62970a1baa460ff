"""`kumoi down`: stop the platform of a data directory."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import click

from kumoi.cli.connection import data_option, read_run_file

STOP_SECONDS = 300.0


@click.command("down")
@data_option
def command(data: Path | None) -> None:
    """Stop the platform; requests in flight are finished, everything written is durable."""
    running = read_run_file(data)
    if running is None:
        click.echo("no platform is up.")
        return
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while running.alive and not _is_zombie(running.pid):
        if time.monotonic() > deadline:
            raise click.ClickException(
                f"the platform (pid {running.pid}) is still stopping after {STOP_SECONDS:.0f} s."
            )
        time.sleep(0.02)
    click.echo(f"stopped {running.url}.")


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and only its parent has not noticed (Linux)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
