"""Bringing a stack to what a schema makes: compile, plan, deploy, and tell where the API is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click
from botocore.exceptions import ClientError

from kumoi.amplify_schema import Backend, SchemaProblem, compiled
from kumoi.amplify_schema.client_config import amplify_outputs, aws_exports
from kumoi.amplify_schema.models import Strangers
from kumoi.cli.connection import Connection, environment
from kumoi.cli.deploying.artifacts import Artifacts
from kumoi.cli.deploying.stack import Deployer
from kumoi.cli.deploying.telling import show_event, show_plan
from kumoi.cli.deploying.watching import look, wait_for_change
from kumoi.cli.sdk_client import client

YEAR = 365 * 86_400
HOUR = 3600


class Wanted(NamedTuple):
    """An API of a schema: its name, what ends the names of tables, how conflicts are handled (None: not at all).

    `strangers` say who vouches for callers of other providers.
    """

    schema: Path
    name: str
    env: str
    conflicts: str | None
    configs: tuple[Path, ...]
    data: Path | None
    strangers: Strangers

    def compiled(self) -> Backend:
        """What the schema makes; ClickException where it is none."""
        try:
            return compiled(self.schema.read_text("utf-8"), self.name, self.conflicts, self.strangers)
        except (UnicodeDecodeError, OSError) as error:
            raise click.ClickException(f"{self.schema} cannot be read: {error}") from None
        except SchemaProblem as problem:
            raise click.ClickException(f"{self.schema}: {problem}") from None


def plan(wanted: Wanted) -> None:
    """Show what would change."""
    backend = wanted.compiled()
    with _deployer(wanted) as deployer:
        found = deployer.plan(*_asked(wanted, backend.template, deployer))
        if found is None:
            click.echo(f"{wanted.name}: nothing would change.")
            return
        show_plan(found.changes)
        deployer.drop(found)


def deploy(wanted: Wanted) -> None:
    """Deploy, and tell where the API is; ClickException when that failed."""
    began = time.monotonic()
    backend = wanted.compiled()
    for note in backend.notes:
        click.secho(f"note: {note}", fg="yellow", err=True)
    with _deployer(wanted) as deployer:
        deployer.clear(wanted.name)
        found = deployer.plan(*_asked(wanted, backend.template, deployer))
        events = list(deployer.carry_out(found)) if found is not None else []
        stack = deployer.find(wanted.name) or {"StackStatus": "DELETE_COMPLETE"}
    if found is not None and stack["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        for event in events:
            if event["ResourceStatus"].endswith("_FAILED"):
                show_event(event)
        raise click.ClickException(f"{wanted.name} is {stack['StackStatus']}; what failed stands above.")
    what = "is as it should be" if found is None else f"{len(found.changes)} changes"
    click.echo(click.style(f"{wanted.name}: {what} ({time.monotonic() - began:.2f} s)", bold=True))
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    _write_configs(wanted, outputs)
    _show(wanted, outputs)


def watch(wanted: Wanted) -> None:
    """Deploy, and again after each change of the schema, until interrupted; what fails is told and waited with."""
    while True:
        before = look([wanted.schema])
        try:
            deploy(wanted)
        except click.ClickException as error:
            error.show()
        click.secho("watching; Ctrl-C ends", dim=True)
        try:
            wait_for_change([wanted.schema], before)
        except KeyboardInterrupt:
            return


@contextmanager
def _deployer(wanted: Wanted) -> Iterator[Deployer]:
    """What deploys to the platform; errors of its calls are the command's."""
    with (
        closing(client("cloudformation", wanted.data)) as stacks,
        closing(client("sts", wanted.data)) as sts,
        closing(client("s3", wanted.data)) as s3,
    ):
        try:
            account = sts.get_caller_identity()["Account"]
            yield Deployer(stacks, Artifacts(s3, account, stacks.meta.region_name))
        except ClientError as error:
            raise click.ClickException(error.response["Error"]["Message"]) from None


def _asked(
    wanted: Wanted, template: dict[str, Any], deployer: Deployer
) -> tuple[str, dict[str, Any], dict[str, str], dict[str, str]]:
    """The stack, its template, parameters and tags; a key once made is good for as long as it was."""
    given = {"env": wanted.env}
    before = deployer.find(wanted.name) or {}
    has_key = any(one["ParameterKey"] == "ApiKeyExpires" for one in before.get("Parameters", []))
    if "ApiKeyExpires" in template["Parameters"] and not has_key:
        now = float(Connection.find(wanted.data).ask("GET", "clock")["now"])
        given["ApiKeyExpires"] = str(int(now + YEAR) // HOUR * HOUR)
    return wanted.name, template, given, {"kumoi:made-by": "graphql new"}


def _show(wanted: Wanted, outputs: dict[str, str]) -> None:
    url, api = Connection.find(wanted.data).url, outputs["GraphQLAPIId"]
    told = {
        "endpoint": outputs["GraphQLAPIEndpoint"],
        "realtime": outputs["GraphQLAPIRealtime"],
        "API key": outputs.get("GraphQLAPIKey"),
        "user pool": outputs.get("UserPoolId"),
        "pool client": outputs.get("UserPoolClientId"),
        "explorer": f"{url}/_kumoi/graphql/{api}",
        "query": f"kumoi graphql query {wanted.name} '{{ __typename }}'",
    }
    for label, value in told.items():
        if value is not None:
            click.echo(f"  {click.style(label.ljust(11), bold=True)}  {value}")


def _write_configs(wanted: Wanted, outputs: dict[str, str]) -> None:
    found = environment(Connection.find(wanted.data).url)
    place = (found["AWS_DEFAULT_REGION"], found["AWS_ENDPOINT_URL"])
    for path in wanted.configs:
        module = path.suffix in (".js", ".mjs", ".ts")
        path.write_text(aws_exports(outputs, *place) if module else amplify_outputs(outputs, *place), "utf-8")
        click.echo(f"{path} is written.")


def printed(wanted: Wanted, *, template: bool) -> str:
    """The template as JSON, or the schema that AppSync gets."""
    backend = wanted.compiled()
    return json.dumps(backend.template, indent=2) if template else backend.sdl
