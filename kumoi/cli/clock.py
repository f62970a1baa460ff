"""`kumoi clock`: the platform's time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option, json_option
from kumoi.cli.durations import parse_duration


@click.command("clock")
@click.argument("action", type=click.Choice(["show", "hold", "release", "advance", "scale"]), default="show")
@click.argument("amount", required=False)
@data_option
@json_option
def command(action: str, amount: str | None, data: Path | None, as_json: bool) -> None:
    """Show, hold, release, `advance 1h30m`, or `scale 10` the platform's time.

    `advance` returns once everything that fell due has run.
    """
    asked: dict[str, Any] = {"action": action}
    try:
        if action == "advance":
            asked["seconds"] = parse_duration(amount or "")
        elif action == "scale":
            asked["factor"] = float(amount or "")
        elif amount is not None:
            raise click.UsageError(f"{action} takes no amount.")
    except ValueError as error:
        raise click.UsageError(f"{action} needs an amount: {error}") from None
    connection = Connection.find(data)
    found = connection.ask("GET", "clock") if action == "show" else connection.ask("POST", "clock", asked)
    if as_json:
        click.echo(json.dumps(found))
        return
    now = datetime.fromtimestamp(found["now"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    speed = "held" if found["held"] else f"running at {found['scale']:g}×"
    click.echo(f"{now}, {speed}")
