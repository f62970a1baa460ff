"""`kumoi reset`: forget everything, or everything of one account."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kumoi.cli.connection import Connection, data_option


@click.command("reset")
@click.option("--account", metavar="ID", help="Only this account (twelve digits).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def command(account: str | None, yes: bool, data: Path | None) -> None:
    """Forget everything, or everything of one account."""
    connection = Connection.find(data)
    what = f"account {account}" if account else "everything"
    if not yes and sys.stdin.isatty():
        click.confirm(f"forget {what} on {connection.url}?", abort=True)
    connection.ask("POST", "reset", account=account)
    click.echo(f"forgot {what}.")
