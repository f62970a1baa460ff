"""`kumoi map --text`: who calls what, and how often."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option, json_option


@click.command("map")
@click.option("--text", is_flag=True, default=True, help="As text.")
@click.option("--account", metavar="ID", help="Only this account's.")
@data_option
@json_option
def command(text: bool, account: str | None, data: Path | None, as_json: bool) -> None:
    """Who calls what: calls, errors and mean durations."""
    edges = Connection.find(data).ask("GET", "map", account=account)["edges"]
    if as_json:
        click.echo(json.dumps(edges))
        return
    if not edges:
        click.echo("no call has passed yet.")
    for line in render(edges):
        click.echo(line)


def render(edges: list[dict[str, Any]]) -> list[str]:
    """One line an edge, grouped by who calls."""
    lines: list[str] = []
    for source in dict.fromkeys(edge["source"] for edge in edges):
        lines.append(click.style(source, bold=True))
        own = [edge for edge in edges if edge["source"] == source]
        width = max(len(f"{edge['target']} {edge['operation']}") for edge in own)
        for edge in own:
            name = f"{edge['target']} {edge['operation']}"
            errors = click.style(f"  {edge['errors']} failed", fg="red") if edge["errors"] else ""
            lines.append(f"  → {name:{width}}  {edge['calls']:5}×  {edge['mean_us'] / 1000:8.2f} ms{errors}")
    return lines
