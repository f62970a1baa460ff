"""`kumoi edge`: distributions and how to reach them, the last requests, events as functions get them, replays."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from kumoi.cli.connection import Connection, data_option, json_option
from kumoi.cli.curl import parse

EVENTS = ("viewer-request", "origin-request", "origin-response", "viewer-response")


@click.group("edge")
def command() -> None:
    """CloudFront on this machine: distributions, requests, and the functions at the edge."""


@command.command("list")
@click.option("--account", metavar="ID", help="Only this account's.")
@data_option
@json_option
def list_distributions(account: str | None, data: Path | None, as_json: bool) -> None:
    """Distributions and where to open them."""
    found = Connection.find(data).ask("GET", "edge/distributions", account=account)["distributions"]
    if as_json:
        click.echo(json.dumps(found))
        return
    if not found:
        click.echo("there is no distribution yet.")
    for one in found:
        state = one["status"] if one["enabled"] else f"{one['status']}, disabled"
        click.echo(f"{click.style(one['id'], bold=True)}  {one['url']}  {state}  {' '.join(one['aliases'])}".rstrip())


@command.command("requests")
@click.option("--account", metavar="ID", help="Only this account's.")
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="How many requests.")
@data_option
@json_option
def list_requests(account: str | None, limit: int, data: Path | None, as_json: bool) -> None:
    """The last requests of viewers, the latest first."""
    found = Connection.find(data).ask("GET", "edge/requests", account=account)["requests"][:limit]
    if as_json:
        click.echo(json.dumps(found))
        return
    if not found:
        click.echo("no viewer has asked for anything yet.")
    for one in found:
        moment = datetime.fromtimestamp(one["time"], UTC).strftime("%H:%M:%S")
        url = one["uri"] + (f"?{one['query']}" if one["query"] else "")
        click.echo(
            f"{click.style(moment, dim=True)} {one['status']} {one['detail']:12} {one['pop']:8} {one['ms']:8.2f} ms"
            f"  {one['method']} {one['host']}{url}  {click.style(one['id'], dim=True)}"
        )


@command.command("event")
@click.option("--from-curl", "curl", required=True, metavar="COMMAND", help="The request, as a curl command.")
@click.option("--event", type=click.Choice(EVENTS), default="viewer-request", show_default=True, help="At which event.")
@click.option("--function", "small", is_flag=True, help="As a CloudFront function gets it, not Lambda@Edge.")
@data_option
def event(curl: str, event: str, small: bool, data: Path | None) -> None:
    """The event that a function at the edge gets for a request to a distribution."""
    try:
        request = parse(curl)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="--from-curl") from None
    wanted = {**request._asdict(), "event": event, "kind": "function" if small else "lambda"}
    found = Connection.find(data).ask("POST", "edge/event", wanted)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@command.command("replay")
@click.argument("request_id")
@data_option
@json_option
def replay(request_id: str, data: Path | None, as_json: bool) -> None:
    """Send one of the last requests once more; REQUEST_ID is its X-Amz-Cf-Id."""
    found: dict[str, Any] = Connection.find(data).ask("POST", f"edge/replay/{quote(request_id, safe='')}")
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"{found['before']['status']} {found['before']['detail']} before, {found['status']} now")
    for name, value in found["headers"]:
        click.echo(f"{click.style(name, bold=True)}: {value}")
    click.echo()
    click.echo(found["body"])
