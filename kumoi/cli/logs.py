"""`kumoi logs NAME`: what a function (or a log group) has logged, with `-f` what it logs from now on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import Connection, data_option
from kumoi.cli.durations import parse_duration
from kumoi.cli.sdk_client import client

POLL_SECONDS = 0.3


@click.command("logs")
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted.")
@click.option("--since", default="10m", show_default=True, help="How far back, e.g. 1h.")
@click.option("--filter", "pattern", default="", help="A CloudWatch Logs filter pattern.")
@data_option
def command(name: str, follow: bool, since: str, pattern: str, data: Path | None) -> None:
    """Show what a function has logged; a NAME with a / is a log group."""
    try:
        seconds = parse_duration(since)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--since") from None
    start = int((Connection.find(data).ask("GET", "clock")["now"] - seconds) * 1000)
    group = name if "/" in name else f"/aws/lambda/{name}"
    logs = client("logs", data)
    try:
        for event in _events(logs, group, pattern, start, follow):
            moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
            click.echo(f"{click.style(moment, dim=True)} {event['message'].rstrip()}")
    except KeyboardInterrupt:
        return


def _events(logs: Any, group: str, pattern: str, start: int, follow: bool) -> Iterator[dict[str, Any]]:
    """A group's events from `start` (epoch ms), each once; with `follow` without end."""
    seen: set[str] = set()
    while True:
        try:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, filterPattern=pattern, startTime=start
            )
            for page in pages:
                for event in page["events"]:
                    if event["eventId"] not in seen:
                        seen.add(event["eventId"])
                        yield event
        except logs.exceptions.ResourceNotFoundException:
            if not follow:
                raise click.ClickException(f"there is no log group {group} (yet).") from None
        if not follow:
            return
        time.sleep(POLL_SECONDS)
