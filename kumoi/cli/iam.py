"""`kumoi iam`: what policies deny, and the smallest ones that do not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option, json_option
from kumoi.policy.least_privilege import least_privilege

Asked = dict[str, Any]


@click.group("iam")
def command() -> None:
    """What policies deny, and the smallest ones that do not."""


@command.command("denied")
@click.option("--account", metavar="ID", help="Only this account's.")
@data_option
@json_option
def show_denied(account: str | None, data: Path | None, as_json: bool) -> None:
    """What policies have denied, or would deny with --auth enforce, and why."""
    asked = [one for one in _asked(data, account) if one["denied"]]
    if as_json:
        click.echo(json.dumps(asked))
        return
    if not asked:
        click.echo("policies denied nothing of what was called.")
    for line in render(asked):
        click.echo(line)


@command.command("least-privilege")
@click.argument("stack", required=False)
@click.option(
    "--role", "roles", multiple=True, metavar="NAME", help="This role's instead of a stack's; may be repeated."
)
@click.option("--account", metavar="ID", default="000000000000", show_default=True)
@click.option("--region", default="us-east-1", show_default=True, envvar="AWS_REGION", help="The stack's.")
@data_option
def show_least_privilege(
    stack: str | None, roles: tuple[str, ...], account: str, region: str, data: Path | None
) -> None:
    """The smallest policies that the calls seen so far need, for each role of a stack, as JSON.

    Calls that were denied count, too: they were needed.
    """
    if (stack is None) is (not roles):
        raise click.UsageError("name a stack, or roles with --role.")
    connection = Connection.find(data)
    if stack is not None:
        roles = tuple(connection.ask("GET", "roles", account=account, region=region, stack=stack)["roles"])
    asked = connection.ask("GET", "permissions", account=account)["permissions"]
    click.echo(json.dumps({role: policy_for(role, asked) for role in roles}, indent=2))


def policy_for(role: str, asked: list[Asked]) -> dict[str, Any] | None:
    """The policy's document for a role; None where no call of it was seen."""
    session = f":assumed-role/{role}/"
    pairs = [
        (action, resource)
        for one in asked
        if session in one["principal"]
        for action, _, resource in (line.partition(" ") for line in one["asked"].splitlines())
    ]
    return least_privilege(pairs) if pairs else None


def render(asked: list[Asked]) -> list[str]:
    """What was denied, by principal: how often, when last, and why."""
    lines: list[str] = []
    for principal in dict.fromkeys(one["principal"] for one in asked):
        lines.append(click.style(principal, bold=True))
        for one in asked:
            if one["principal"] == principal:
                last = datetime.fromtimestamp(one["latest"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
                lines.append(f"  {one['calls']:5}×  {last}  {one['denied']}")
    return lines


def _asked(data: Path | None, account: str | None) -> list[Asked]:
    found: list[Asked] = Connection.find(data).ask("GET", "permissions", account=account)["permissions"]
    return found
