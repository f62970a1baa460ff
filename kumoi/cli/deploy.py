"""`kumoi deploy TEMPLATE`: package local code, deploy the stack, show its addresses; with `--watch` at each change."""

from __future__ import annotations

import re
import time
from contextlib import closing
from pathlib import Path

import click
from botocore.exceptions import ClientError

from kumoi.cli.connection import data_option
from kumoi.cli.deploying.artifacts import Artifacts
from kumoi.cli.deploying.packaging import Packaged, Packager
from kumoi.cli.deploying.stack import Deployer
from kumoi.cli.deploying.telling import show_event, show_outputs, show_plan
from kumoi.cli.deploying.watching import changed, look, wait_for_change
from kumoi.cli.sdk_client import client

STUBS = {"kumoi:unknown-resources": "stub"}


@click.command("deploy")
@click.argument("template", type=click.Path(exists=True, path_type=Path))
@click.option("--stack", help="The stack's name.  [default: the template's file or directory]")
@click.option("--param", "parameters", multiple=True, metavar="KEY=VALUE", help="A parameter's value; once for each.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the stack; once for each.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--watch", is_flag=True, help="Deploy again whenever the template or the code changes.")
@click.option("--stub-unknown", is_flag=True, help="Have stand-ins for resource types that Kumoi does not support.")
@data_option
def command(
    template: Path,
    stack: str | None,
    parameters: tuple[str, ...],
    tags: tuple[str, ...],
    only_plan: bool,
    watch: bool,
    stub_unknown: bool,
    data: Path | None,
) -> None:
    """Deploy a CloudFormation or SAM TEMPLATE (a file, or a directory with a template.yaml)."""
    if template.is_dir():
        template = _template_in(template)
    name = stack or default_name(template)
    stack_tags = _pairs(tags, "--tag") | (STUBS if stub_unknown else {})
    deployment = _Deployment(template, name, _pairs(parameters, "--param"), stack_tags)
    with (
        closing(client("cloudformation", data)) as cloudformation,
        closing(client("sts", data)) as sts,
        closing(client("s3", data)) as s3,
    ):
        account = sts.get_caller_identity()["Account"]
        artifacts = Artifacts(s3, account, cloudformation.meta.region_name)
        packager, deployer = Packager(artifacts, _progress), Deployer(cloudformation, artifacts)
        try:
            if only_plan:
                deployment.plan(packager, deployer)
            elif watch:
                deployment.watch(packager, deployer)
            else:
                deployment.deploy(packager, deployer)
        except ClientError as error:
            raise click.ClickException(error.response["Error"]["Message"]) from None


class _Deployment:
    """What is deployed under which name, with which parameters and tags."""

    def __init__(self, template: Path, name: str, parameters: dict[str, str], tags: dict[str, str]) -> None:
        self._template = template
        self._name = name
        self._parameters = parameters
        self._tags = tags

    def plan(self, packager: Packager, deployer: Deployer) -> None:
        """Show what would change."""
        plan = deployer.plan(self._name, packager.packaged(self._template).template, self._parameters, self._tags)
        if plan is None:
            click.echo(f"{self._name}: nothing would change.")
            return
        show_plan(plan.changes)
        deployer.drop(plan)

    def deploy(self, packager: Packager, deployer: Deployer) -> Packaged:
        """Deploy; ClickException when that failed."""
        began = time.monotonic()
        deployer.clear(self._name)
        packaged = packager.packaged(self._template)
        plan = deployer.plan(self._name, packaged.template, self._parameters, self._tags)
        if plan is not None:
            for event in deployer.carry_out(plan):
                show_event(event)
        stack = deployer.find(self._name) or {"StackStatus": "DELETE_COMPLETE"}
        status = stack["StackStatus"]
        if plan is not None and status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise click.ClickException(f"{self._name} is {status}; what failed stands above.")
        what = "is as it should be" if plan is None else "deployed"
        click.echo(click.style(f"{self._name} {what} ({time.monotonic() - began:.2f} s)", bold=True))
        show_outputs(stack, deployer.url)
        return packaged

    def watch(self, packager: Packager, deployer: Deployer) -> None:
        """Deploy, and again after each change, until interrupted; what fails is told and waited with."""
        sources = frozenset((self._template.resolve(),))
        while True:
            before = look(sources)
            try:
                sources = self.deploy(packager, deployer).sources
            except click.ClickException as error:
                error.show()
            except ClientError as error:
                click.secho(error.response["Error"]["Message"], fg="red", err=True)
            seen = {path: before.get(path, state) for path, state in look(sources).items()}
            click.secho("watching; Ctrl-C ends", dim=True)
            try:
                after = wait_for_change(sources, seen)
            except KeyboardInterrupt:
                return
            click.secho(f"changed: {', '.join(path.name for path in changed(seen, after)[:5])}", dim=True)


def default_name(template: Path) -> str:
    """A stack's name after its template's file, or after the directory where that is named as they all are."""
    path = template.resolve()
    bare = path.parent.name if path.stem in ("template", "packaged", "stack") else path.stem
    name = re.sub(r"[^A-Za-z0-9]+", "-", bare).strip("-")
    return name if name[:1].isalpha() else f"stack-{name}".rstrip("-")


def _template_in(directory: Path) -> Path:
    for name in ("template.yaml", "template.yml", "template.json"):
        if (directory / name).is_file():
            return directory / name
    raise click.UsageError(f"{directory} has no template.yaml.")


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    found = {}
    for one in given:
        key, mark, value = one.partition("=")
        if not mark or not key:
            raise click.BadParameter(f"{one!r} is not KEY=VALUE", param_hint=option)
        found[key] = value
    return found


def _progress(line: str) -> None:
    click.secho(line, dim=True)
