"""`kumoi trust`: the certificate that clients of `https://` and `wss://` addresses have to trust.

The platform answers TLS on its one port with certificates of an authority of its own, made when it is first needed.
Nothing is installed anywhere: programs are told by their environment.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from kumoi.cli.connection import Connection, data_option, json_option


@click.command("trust")
@data_option
@json_option
def command(data: Path | None, as_json: bool) -> None:
    """Print an export that has Node.js trust the platform's certificates: eval "$(kumoi trust)"."""
    authority = Connection.find(data).ask("GET", "authority")["certificate"]
    if as_json:
        click.echo(json.dumps({"certificate": authority}))
        return
    click.echo(f"export NODE_EXTRA_CA_CERTS={shlex.quote(authority)}")
