"""`kumoi invoke NAME`: run a function with an event and show its answer."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import click

from kumoi.cli.connection import data_option
from kumoi.cli.nearest import the_one
from kumoi.cli.sdk_client import client


@click.command("invoke")
@click.argument("name")
@click.option("--event", default="{}", metavar="JSON|FILE|-", help="The event: JSON, a file, or - for standard input.")
@click.option("--log", is_flag=True, help="Show what it logged (its last 4 KB), on standard error.")
@click.option("--async", "asynchronous", is_flag=True, help="Do not wait for it (InvocationType=Event).")
@data_option
def command(name: str, event: str, log: bool, asynchronous: bool, data: Path | None) -> None:
    """Run a function with an event and show its answer; exits with 1 when the function failed.

    NAME may be a part of a function's name, if it is a part of no other.
    """
    options: dict[str, Any] = {"InvocationType": "Event"} if asynchronous else {"LogType": "Tail" if log else "None"}
    functions, payload = client("lambda", data), read_event(event)
    try:
        answer = functions.invoke(FunctionName=name, Payload=payload, **options)
    except functions.exceptions.ResourceNotFoundException:
        if ":" in name:
            raise
        pages = functions.get_paginator("list_functions").paginate()
        found = the_one("function", name, (one["FunctionName"] for page in pages for one in page["Functions"]))
        answer = functions.invoke(FunctionName=found, Payload=payload, **options)
    if asynchronous:
        click.echo(f"accepted {answer['ResponseMetadata']['RequestId']}.", err=True)
        return
    if log and "LogResult" in answer:
        click.echo(base64.b64decode(answer["LogResult"]).decode("utf-8", "replace"), err=True, nl=False)
    click.echo(answer["Payload"].read())
    if "FunctionError" in answer:
        sys.exit(1)


def read_event(event: str) -> bytes:
    """The event's bytes: of standard input, of a file, or the text itself; BadParameter when it is no JSON."""
    if event == "-":
        content = sys.stdin.buffer.read()
    elif event.lstrip()[:1] not in ("{", "[", '"') and Path(event).is_file():
        content = Path(event).read_bytes()
    else:
        content = event.encode()
    try:
        json.loads(content)
    except ValueError as error:
        raise click.BadParameter(f"the event is neither JSON nor a file with JSON: {error}") from None
    return content
