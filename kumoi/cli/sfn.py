"""`kumoi sfn`: run a state machine and watch it, show what an execution did, lint a definition."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import data_option
from kumoi.cli.invoke import read_event
from kumoi.cli.sdk_client import client

POLL = 0.1
_MARKS = {"Failed": "✗", "TimedOut": "✗", "Aborted": "✗", "Succeeded": "✓", "Exited": "✓"}


@click.group("sfn")
def command() -> None:
    """Run state machines, show what executions did, lint definitions."""


@command.command("run")
@click.argument("machine")
@click.option(
    "--input", "given", default="{}", metavar="JSON|FILE|-", help="The input: JSON, a file, or - for standard input."
)
@click.option("--name", help="The execution's name.")
@click.option("--show", is_flag=True, help="Show the history on standard error.")
@data_option
def run(machine: str, given: str, name: str | None, show: bool, data: Path | None) -> None:
    """Run MACHINE (a name or an ARN, with #TestCase for mocks) and print its output; exits with 1 when it failed."""
    from botocore.exceptions import ClientError

    states = client("stepfunctions", data)
    try:
        arn, express = _find(states, machine)
        asked: dict[str, Any] = {"stateMachineArn": arn, "input": read_event(given).decode()}
        if name is not None:
            asked["name"] = name
        if express:
            ended = states.start_sync_execution(**asked)
        else:
            ended = _watched(states, states.start_execution(**asked)["executionArn"])
            if show:
                for line in lines(_history(states, ended["executionArn"])):
                    click.echo(line, err=True)
    except ClientError as error:
        raise click.ClickException(str(error)) from None
    if ended["status"] == "SUCCEEDED":
        click.echo(ended["output"])
        return
    click.echo(f"{ended['status']} {ended.get('error', '')}: {ended.get('cause', '')}", err=True)
    sys.exit(1)


@command.command("show")
@click.argument("execution")
@data_option
def show(execution: str, data: Path | None) -> None:
    """Show what an execution (its ARN) did: each state, with input, output, variables, and what failed."""
    from botocore.exceptions import ClientError

    states = client("stepfunctions", data)
    try:
        described = states.describe_execution(executionArn=execution)
        events = _history(states, execution)
    except ClientError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{described['name']}: {described['status']}")
    for line in lines(events):
        click.echo(line)


@command.command("lint")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def lint(file: Path) -> None:
    """Say what is wrong with the definition in FILE, and what may bite later; exits with 1 for errors."""
    from kumoi.services.stepfunctions.language.linting import lint as findings

    found = findings(file.read_text())
    for one in found:
        click.echo(f"{one.severity} {one.text}")
    if any(one.severity == "ERROR" for one in found):
        sys.exit(1)


def _find(states: Any, machine: str) -> tuple[str, bool]:
    """A machine's ARN by its name, and whether it is an Express one."""
    plain, hash_mark, case = machine.partition("#")
    for page in states.get_paginator("list_state_machines").paginate():
        for one in page["stateMachines"]:
            if plain == one["name"] or plain.startswith(one["stateMachineArn"]):
                arn = plain if plain.startswith("arn:") else one["stateMachineArn"]
                return f"{arn}{hash_mark}{case}", one["type"] == "EXPRESS"
    raise click.ClickException(f"there is no state machine {plain}")


def _watched(states: Any, execution: str) -> dict[str, Any]:
    while True:
        described: dict[str, Any] = states.describe_execution(executionArn=execution)
        if described["status"] != "RUNNING":
            return described
        time.sleep(POLL)


def _history(states: Any, execution: str) -> list[dict[str, Any]]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]


def lines(events: Iterable[dict[str, Any]]) -> Iterable[str]:
    """A history as text, a line for each event that says something, indented by depth."""
    depth = 0
    for event in events:
        kind = event["type"]
        details: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        if kind in ("MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"):
            depth = max(depth - 1, 0)
        mark = next((mark for ending, mark in _MARKS.items() if kind.endswith(ending)), "·")
        yield f"{event['id']:>5}  {'  ' * depth}{mark} {kind}{_about(details)}"
        if kind == "MapIterationStarted":
            depth += 1


def _about(details: dict[str, Any]) -> str:
    shown = [str(details[name]) for name in ("name", "index", "resource") if name in details]
    for name in ("input", "output", "parameters"):
        if name in details:
            shown.append(f"{name} {_short(details[name])}")
    if details.get("assignedVariables"):
        shown.append(f"variables {_short(json.dumps(details['assignedVariables']))}")
    if "error" in details or "cause" in details:
        shown.append(f"{details.get('error', '')}: {_short(details.get('cause', ''))}")
    return f"  {' '.join(shown)}" if shown else ""


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:199]}…"
