"""`kumoi destroy STACK`: delete a stack with everything it made."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
from botocore.exceptions import ClientError

from kumoi.cli.connection import data_option
from kumoi.cli.deploying.artifacts import Artifacts
from kumoi.cli.deploying.stack import Deployer
from kumoi.cli.deploying.telling import show_event
from kumoi.cli.sdk_client import client


@click.command("destroy")
@click.argument("stack")
@data_option
def command(stack: str, data: Path | None) -> None:
    """Delete a STACK."""
    with closing(client("cloudformation", data)) as cloudformation:
        deployer = Deployer(cloudformation, Artifacts(None, "", ""))
        found = deployer.find(stack)
        if found is None:
            raise click.ClickException(f"there is no stack {stack}.")
        try:
            for event in deployer.delete(found["StackId"]):
                show_event(event)
        except ClientError as error:
            raise click.ClickException(error.response["Error"]["Message"]) from None
        left = deployer.find(found["StackId"])
    if left is not None and left["StackStatus"] != "DELETE_COMPLETE":
        raise click.ClickException(f"{stack} is {left['StackStatus']}; what failed stands above.")
    click.secho(f"{stack} is gone", bold=True)
