"""`kumoi env`: the environment that points SDKs and the AWS CLI at the platform."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from kumoi.cli.connection import Connection, data_option, environment, json_option


@click.command("env")
@data_option
@json_option
def command(data: Path | None, as_json: bool) -> None:
    """Print exports for a shell: eval "$(kumoi env)"."""
    variables = environment(Connection.find(data).url)
    if as_json:
        click.echo(json.dumps(variables))
    else:
        for name, value in variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")
