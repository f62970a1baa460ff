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
_TOLD = ("StateEntered", "StateExited", "Failed", "TimedOut", "Aborted", "Redriven")
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
@click.option("--show", is_flag=True, help="Show every event, with its data.")
@data_option
def run(machine: str, given: str, name: str | None, show: bool, data: Path | None) -> None:
    """Run MACHINE (a name or an ARN, with #TestCase for mocks) and print its output; exits with 1 when it failed.

    States are told on standard error as they happen, and how far a Map is.
    """
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
            ended = _watched(states, states.start_execution(**asked)["executionArn"], show=show)
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


def _watched(states: Any, execution: str, *, show: bool) -> dict[str, Any]:
    """Tell what an execution does until it has ended; its description."""
    progress, told, last = Progress(), Lines(), 0
    while True:
        described: dict[str, Any] = states.describe_execution(executionArn=execution)
        events = _since(states, execution, last)
        for event in events:
            if show or event["type"].endswith(_TOLD):
                for line in told.of(event):
                    click.echo(line, err=True)
        last = events[-1]["id"] if events else last
        for line in progress.of(states, events):
            click.echo(line, err=True)
        if described["status"] != "RUNNING":
            return described
        time.sleep(POLL)


def _since(states: Any, execution: str, last: int) -> list[dict[str, Any]]:
    """The events behind one, in order."""
    found: list[dict[str, Any]] = []
    for page in states.get_paginator("get_execution_history").paginate(executionArn=execution, reverseOrder=True):
        found += [event for event in page["events"] if event["id"] > last]
        if page["events"] and page["events"][-1]["id"] <= last + 1:
            break
    return found[::-1]


class Progress:
    """How far the Map state under way is: a line whenever that has changed."""

    def __init__(self) -> None:
        self._total = self._done = self._failed = 0
        self._run: str | None = None
        self._said = ""

    def of(self, states: Any, events: Iterable[dict[str, Any]]) -> Iterable[str]:
        """The line, if there is something new."""
        for event in events:
            kind = event["type"]
            if kind == "MapStateStarted":
                self._total, self._done, self._failed, self._run = (
                    event["mapStateStartedEventDetails"]["length"],
                    0,
                    0,
                    None,
                )
            elif kind == "MapRunStarted":
                self._run = event["mapRunStartedEventDetails"]["mapRunArn"]
            self._done += kind == "MapIterationSucceeded"
            self._failed += kind in ("MapIterationFailed", "MapIterationAborted")
        if self._run is not None:
            counts = states.describe_map_run(mapRunArn=self._run)["itemCounts"]
            self._total, self._done = counts["total"], counts["succeeded"]
            self._failed = counts["failed"] + counts["timedOut"] + counts["aborted"]
        failed = f", {self._failed} failed" if self._failed else ""
        line = f"       {self._done} of {self._total} items{failed}" if self._total else ""
        if line and line != self._said:
            yield line
        self._said = line


def _history(states: Any, execution: str) -> list[dict[str, Any]]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    return [event for page in pages for event in page["events"]]


def lines(events: Iterable[dict[str, Any]]) -> Iterable[str]:
    """A history as text, a line for each event, indented by depth; more where it failed with a trace."""
    told = Lines()
    return [line for event in events for line in told.of(event)]


class Lines:
    """Events as text, one behind the other."""

    def __init__(self) -> None:
        self._depth = 0
        self._attempts: dict[int, int] = {}

    def of(self, event: dict[str, Any]) -> Iterable[str]:
        """The lines of the next event."""
        kind = event["type"]
        details: dict[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
        if kind in ("MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"):
            self._depth = max(self._depth - 1, 0)
        mark = next((mark for ending, mark in _MARKS.items() if kind.endswith(ending)), "·")
        attempts = self._attempts.pop(event.get("previousEventId", 0), 0)
        retry = f"  retry {attempts}" if attempts and kind.endswith("Scheduled") else ""
        yield f"{event['id']:>5}  {'  ' * self._depth}{mark} {kind}{retry}{_about(details)}"
        if kind.endswith(("Failed", "TimedOut")):
            attempts += 1
            for line in _cause(str(details.get("cause", ""))):
                yield f"{' ' * 9}{'  ' * self._depth}{line}"
        if attempts and not kind.endswith("Exited"):
            self._attempts[event["id"]] = attempts
        if kind == "MapIterationStarted":
            self._depth += 1


def _cause(text: str) -> list[str]:
    """What a cause that is a function's error as JSON says: its type and message, and where it was raised."""
    try:
        found = json.loads(text)
    except ValueError:
        return []
    if not isinstance(found, dict) or "errorMessage" not in found:
        return []
    trace = found.get("stackTrace") or found.get("trace") or []
    said = [f"{found.get('errorType', 'Error')}: {found['errorMessage']}"]
    return said + [line for one in trace if isinstance(one, str) for line in one.rstrip().splitlines()]


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
