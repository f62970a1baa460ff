"""`kumoi studio`: where the console is, with the token that opens it where signatures are verified."""

from __future__ import annotations

from pathlib import Path

import click

from kumoi.cli.connection import Connection, data_option, read_run_file


@click.command("studio")
@click.option("--open", "open_browser", is_flag=True, help="Open it in the browser.")
@data_option
def command(open_browser: bool, data: Path | None) -> None:
    """Say where Studio is; with --open, open it."""
    connection = Connection.find(data)
    address = f"{connection.url}/_kumoi/studio/"
    if connection.ask("GET", "info")["auth"] in ("verify", "enforce"):
        found = read_run_file(data)
        if found is None or not found.token:
            raise click.ClickException(
                "this platform verifies who calls, and its token lies in its data directory: --data."
            )
        address += f"#token={found.token}"
    click.echo(address)
    if open_browser:
        click.launch(address)
