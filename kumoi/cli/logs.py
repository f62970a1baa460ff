"""`kumoi logs NAME`: what a function (or a log group) has logged, with `-f` what it logs from now on.

`kumoi logs --query '…' [NAME …]` asks Logs Insights: of these groups or all, in one region or all of them together.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kumoi.cli import insights
from kumoi.cli.connection import Connection, data_option, json_option
from kumoi.cli.durations import parse_duration
from kumoi.cli.nearest import like, the_one
from kumoi.cli.sdk_client import client

POLL_SECONDS = 0.3
_FUNCTIONS = "/aws/lambda/"
LATE_MS = 60_000
"""How much later than a newer event one may come in, and still be shown by --follow."""


@click.command("logs")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted.")
@click.option("--since", default="10m", show_default=True, help="How far back, e.g. 1h.")
@click.option("--filter", "pattern", default="", help="A CloudWatch Logs filter pattern.")
@click.option("--query", metavar="TEXT", help="A Logs Insights query; without a NAME over every log group.")
@click.option("--all-regions", is_flag=True, help="With --query: over all regions together.")
@click.option("--edge", is_flag=True, help="A function at the edge: in every region where it ran.")
@data_option
@json_option
def command(
    names: tuple[str, ...],
    follow: bool,
    since: str,
    pattern: str,
    query: str | None,
    all_regions: bool,
    edge: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Show what a function has logged; a NAME with a / is a log group.

    NAME may be a part of a function's name, if it is a part of no other.
    """
    try:
        seconds = parse_duration(since)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from None
    if query is not None:
        if follow or pattern:
            raise click.UsageError("a query takes neither --follow nor --filter.")
        now = Connection.find(data).ask("GET", "clock")["now"]
        insights.show(client("logs", data), query, names, (now - seconds, now), all_regions or edge, edge, as_json)
        return
    if all_regions or as_json:
        raise click.UsageError("--all-regions and --json belong to --query.")
    if len(names) != 1:
        raise click.UsageError("say the NAME of one function or log group, or --query.")
    (name,) = names
    connection = Connection.find(data)
    start = int((connection.ask("GET", "clock")["now"] - seconds) * 1000)
    if edge:
        _edge(connection, name, pattern, start, follow, data)
        return
    logs = client("logs", data)
    group = name if "/" in name else _group(logs, name, follow)
    try:
        for event in _events(logs, group, pattern, start, follow):
            moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
            click.echo(f"{click.style(moment, dim=True)} {event['message'].rstrip()}")
    except KeyboardInterrupt:
        return


def _group(logs: Any, name: str, follow: bool) -> str:
    """The log group of a function; of one that `follow` waits for, where none is called so or like it."""
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=_FUNCTIONS)
    known = [one["logGroupName"].removeprefix(_FUNCTIONS) for page in pages for one in page["logGroups"]]
    waited_for = follow and not like(name, known)
    return _FUNCTIONS + (name if waited_for else the_one("log group", name, known))


def _edge(connection: Connection, name: str, pattern: str, start: int, follow: bool, data: Path | None) -> None:
    """What a function logged at the edge: Lambda@Edge in the regions of POPs, CloudFront functions in us-east-1."""
    regions = connection.ask("GET", "edge/regions")["regions"]
    groups = [(region, f"/aws/lambda/us-east-1.{name}") for region in regions]
    groups.append(("us-east-1", f"/aws/cloudfront/function/{name}"))
    clients = {region: client("logs", data, region) for region in dict.fromkeys(region for region, _ in groups)}
    seen: dict[str, int] = {}
    try:
        while True:
            found: list[tuple[int, str, str]] = []
            for region, group in groups:
                logs = clients[region]
                try:
                    for event in _events(logs, group, pattern, start, False):
                        if event["eventId"] not in seen:
                            seen[event["eventId"]] = event["timestamp"]
                            found.append((event["timestamp"], region, event["message"].rstrip()))
                except click.ClickException:
                    continue
            for timestamp, region, message in sorted(found, key=lambda one: one[0]):
                moment = datetime.fromtimestamp(timestamp / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
                click.echo(f"{click.style(moment, dim=True)} {click.style(f'{region:14}', fg='cyan')} {message}")
            if not follow:
                if not seen:
                    raise click.ClickException(f"{name} has logged nothing at the edge (yet).")
                return
            start, seen = _go_on(start, seen)
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return


def _events(logs: Any, group: str, pattern: str, start: int, follow: bool) -> Iterator[dict[str, Any]]:
    """A group's events from `start` (epoch ms), each once; with `follow` without end."""
    seen: dict[str, int] = {}
    while True:
        try:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, filterPattern=pattern, startTime=start
            )
            for page in pages:
                for event in page["events"]:
                    if event["eventId"] not in seen:
                        seen[event["eventId"]] = event["timestamp"]
                        yield event
        except logs.exceptions.ResourceNotFoundException:
            if not follow:
                raise click.ClickException(f"there is no log group {group} (yet).") from None
        if not follow:
            return
        start, seen = _go_on(start, seen)
        time.sleep(POLL_SECONDS)


def _go_on(start: int, seen: dict[str, int]) -> tuple[int, dict[str, int]]:
    """Where to read on (epoch ms) after events (id: timestamp), and which of them will be met again."""
    start = max(start, max(seen.values(), default=start) - LATE_MS)
    return start, {event: timestamp for event, timestamp in seen.items() if timestamp >= start}
