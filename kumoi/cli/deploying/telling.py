"""What a person sees of a deployment: the plan, each resource once it is done, why something failed, the outputs."""

from __future__ import annotations

import sys
from typing import Any

import click

from kumoi.gateway.hosts import local_address

_MARKS = {"Add": ("+", "green"), "Modify": ("~", "yellow"), "Remove": ("-", "red")}


def show_plan(changes: list[dict[str, Any]]) -> None:
    """Each change in a line."""
    for change in (one["ResourceChange"] for one in changes):
        mark, colour = _MARKS.get(change["Action"], ("?", "white"))
        replaced = {"True": " (replaced)", "Conditional": " (replaced, perhaps)"}.get(change.get("Replacement", ""), "")
        names = [one["Target"]["Name"] for one in change.get("Details", []) if one["Target"].get("Name")]
        what = f"  {', '.join(names)}" if names else ""
        click.echo(
            f"{click.style(mark, fg=colour)} {change['LogicalResourceId']}  "
            f"{click.style(change['ResourceType'], dim=True)}{what}{replaced}"
        )


def show_event(event: dict[str, Any]) -> None:
    """A line for what is done or failed; what is only begun is not told, unless it says why."""
    status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
    if event["ResourceType"] == "AWS::CloudFormation::Stack" and event["PhysicalResourceId"] == event["StackId"]:
        if "ROLLBACK" in status and status.endswith("_IN_PROGRESS"):
            click.echo(f"{click.style('↶', fg='yellow')} rolling back: {reason}")
        return
    moment = click.style(event["Timestamp"].strftime("%H:%M:%S"), dim=True)
    what = f"{event['LogicalResourceId']}  {click.style(event['ResourceType'], dim=True)}"
    verb = status.partition("_")[0].lower()
    if status.endswith("_FAILED"):
        click.echo(f"{moment} {click.style('✗', fg='red')} {what}  {click.style(reason, fg='red')}")
    elif status.endswith(("_COMPLETE", "_SKIPPED")):
        mark = click.style("-" if verb == "delete" else "✓", fg="green")
        kept = "  kept" if status.endswith("_SKIPPED") else ""
        click.echo(f"{moment} {mark} {what}{kept}")


def show_outputs(stack: dict[str, Any], url: str) -> None:
    """The outputs; AWS's addresses as those of the platform at `url`, to be clicked where the terminal knows how."""
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
    width = max((len(key) for key in outputs), default=0)
    for key, value in sorted(outputs.items()):
        click.echo(f"  {click.style(key.ljust(width), bold=True)}  {_link(local_address(value, url))}")


def _link(value: str) -> str:
    """An address as a terminal's hyperlink (OSC 8)."""
    if not value.startswith(("http://", "https://")) or not sys.stdout.isatty():
        return value
    return f"\x1b]8;;{value}\x1b\\{click.style(value, fg='cyan', underline=True)}\x1b]8;;\x1b\\"
