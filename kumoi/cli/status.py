"""`kumoi status`: what runs, where, and how."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kumoi.cli.connection import Connection, data_option, json_option


@click.command("status")
@data_option
@json_option
def command(data: Path | None, as_json: bool) -> None:
    """What runs, where, and how."""
    connection = Connection.find(data)
    found = {**connection.ask("GET", "info"), **connection.ask("GET", "health")}
    if as_json:
        click.echo(json.dumps(found))
        return
    found["services"] = ", ".join(found["services"])
    for name, value in found.items():
        click.echo(f"{name:12} {'in memory' if name == 'data' and value is None else value}")
