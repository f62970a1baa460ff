"""`kumoi sdk install`: gives botocore (boto3, the AWS CLI) the model of a service that it no longer ships.

The model is written from Kumoi's own declaration into a folder that botocore's loader searches: `~/.aws/models`, or
one that AWS_DATA_PATH names. `boto3.client("iotanalytics")` works again, with nothing patched.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from kumoi.wire.declarations import declaration, declared

HOME = Path("~/.aws/models")


@click.group()
def command() -> None:
    """Help for AWS's own SDKs."""


@command.command(name="install")
@click.argument("service", type=click.Choice(declared()))
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=HOME,
    show_default=True,
    help="The folder of models; any other than the default has to be in AWS_DATA_PATH.",
)
def install_command(service: str, into: Path) -> None:
    """Write the model of SERVICE where botocore finds it."""
    folder = install(service, into.expanduser())
    click.echo(f"The model of {service} is in {folder}.")
    if into != HOME:
        click.echo(f"Point botocore at it: export AWS_DATA_PATH={into.expanduser().resolve()}")


def install(service: str, into: Path) -> Path:
    """Write a declared service's model and paginators below a folder of models; where they are now."""
    found = declaration(service)
    if found is None:
        raise ValueError(f"there is no declaration of {service}")
    folder = into / service / str(found.model["metadata"]["apiVersion"])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("service-2", found.model), ("paginators-1", found.paginators)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    return folder
