"""The `kumoi` command: a file per verb, imported when it is asked for, so that every verb starts quickly."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from kumoi import __version__

VERBS = {
    "up": "Start a platform.",
    "down": "Stop the platform that runs in the background.",
    "status": "What runs, where, and how.",
    "env": "The environment that points SDKs and the AWS CLI at the platform.",
    "trust": "The certificate that clients of https:// and wss:// addresses have to trust.",
    "run": "Run a command against the platform, or against a fresh one when none is up.",
    "deploy": "Deploy a template with its code; --watch deploys again on each change.",
    "destroy": "Delete a stack with everything it made.",
    "graphql": "Make a GraphQL API of a schema; list APIs, print schemas, run queries.",
    "invoke": "Run a function with an event and show its answer.",
    "sfn": "Run state machines, show what executions did, lint definitions.",
    "logs": "What a function has logged; -f follows, --query asks Logs Insights.",
    "mail": "What would have left for people: mails, text messages, pushes.",
    "edge": "CloudFront: distributions, requests, events of edge functions, replays.",
    "reset": "Forget everything, or everything of one account.",
    "snapshot": "Keep the whole platform in a file, and go back to it.",
    "clock": "Show, hold, release, advance or scale the platform's time.",
    "fault": "Declare faults that delay, fail or drop calls.",
    "break": "Run an experiment: break an application on purpose, and see what it makes of that.",
    "runtime": "Install what AWS's runtimes bundle: the SDK for JavaScript.",
    "sdk": "Give botocore the model of a service that it no longer ships.",
    "iotanalytics": "Bring in what was exported of an IoT Analytics account.",
    "trace": "The last calls as a tree, or one trace whole.",
    "map": "Who calls what, and how often.",
    "top": "What is called now, how long it takes, what fails; renews itself.",
    "cost": "What it would cost on AWS: this run, a month, and what would make it cheaper.",
    "studio": "The console in a browser: map, traces, logs, executions, data, metrics.",
    "iam": "What policies deny, and the smallest ones that do not.",
}

_MODULES = {"break": "breaking"}
"""The module of a verb that cannot be called like it."""


class Verbs(click.Group):
    """Finds a verb's command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order a newcomer meets them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb; None when there is no such verb."""
        if cmd_name not in VERBS:
            return None
        command: Any = importlib.import_module(f"kumoi.cli.{_MODULES.get(cmd_name, cmd_name)}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; what the platform refuses is told in a line."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            refusals = sys.modules.get("botocore.exceptions")
            if refusals is None or not isinstance(error, (refusals.ClientError, refusals.BotoCoreError)):
                raise
            raise click.ClickException(str(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kumoi")
def main() -> None:
    """Kumoi runs serverless applications on your own machine, behind AWS's own wire protocols."""
