"""`kumoi runtime install nodejs`: what AWS's Node.js runtimes bundle, the SDK for JavaScript, fetched once with npm.

Functions that do not bring the SDK along, and those that CDK makes for itself, find it from the next start of a
platform on. Without names, the clients of what Kumoi serves are installed, and the libraries that go with them.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence

import click

from kumoi.cli.deploying.requirements import Tell
from kumoi.sandbox.node_programs import bundled_sdk

_CLIENTS = (
    *("acm", "api-gateway", "apigatewaymanagementapi", "apigatewayv2", "application-auto-scaling", "appsync"),
    *("athena", "cloudcontrol", "cloudformation", "cloudfront", "cloudfront-keyvaluestore", "cloudwatch"),
    *("cloudwatch-logs", "codedeploy", "cognito-identity", "cognito-identity-provider", "dynamodb"),
    *("dynamodb-streams", "ec2", "ecr", "elastic-load-balancing-v2", "eventbridge", "firehose", "fis", "glue"),
    *("iam", "iot", "iot-data-plane", "kinesis", "kms", "lambda", "pipes", "rds", "rds-data"),
    *("resource-groups", "resource-groups-tagging-api", "route-53", "s3", "scheduler", "secrets-manager"),
    *("ses", "sesv2", "sfn", "sns", "sqs", "ssm", "sts", "xray"),
)
_LIBRARIES = ("credential-providers", "lib-dynamodb", "lib-storage", "s3-request-presigner", "util-dynamodb")

LONGEST_INSTALL = 900
"""Seconds; npm may wait forever for a registry whose certificate it does not trust."""


@click.group()
def command() -> None:
    """What AWS's runtimes bundle."""


@command.command(name="install")
@click.argument("runtime", type=click.Choice(["nodejs"]))
@click.argument("names", nargs=-1)
def install_command(runtime: str, names: Sequence[str]) -> None:
    """Install the SDK of RUNTIME: all of it, or the clients of NAMES (`s3`, `@aws-sdk/lib-storage`)."""
    install(packages(names), lambda text: click.echo(text, err=True))
    click.echo(
        f"The SDK for JavaScript is in {bundled_sdk()}; platforms that run already see it once they start again."
    )


def packages(names: Sequence[str]) -> list[str]:
    """The npm packages of some clients; of everything that AWS's runtimes have and Kumoi serves, without names."""
    if not names:
        return [f"@aws-sdk/client-{name}" for name in _CLIENTS] + [f"@aws-sdk/{name}" for name in _LIBRARIES]
    return [name if name.startswith("@") else f"@aws-sdk/client-{name.removeprefix('client-')}" for name in names]


def install(wanted: Sequence[str], tell: Tell) -> None:
    """Have npm install packages; ClickException says what failed."""
    npm = shutil.which("npm")
    if npm is None:
        raise click.ClickException("npm is not installed: it comes with Node.js.")
    folder = bundled_sdk()
    folder.mkdir(parents=True, exist_ok=True)
    tell(f"installing {len(wanted)} packages with npm in {folder}")
    asked = [npm, "install", "--no-audit", "--no-fund", "--omit=dev", "--prefix", str(folder), *wanted]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=LONGEST_INSTALL)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise click.ClickException(f"npm did not come to an end within {LONGEST_INSTALL} s; it was stopped.") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("npm error")][:5]
        raise click.ClickException("npm could not install them:\n" + "\n".join(said or [done.stderr[-500:]]))
