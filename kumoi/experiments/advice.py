"""Advice by rule: what a sweep has seen, and what the configuration says, as one sentence each on what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from kumoi.experiments.application import Application
from kumoi.gateway.sweeps import Cell, Row

Rule = Literal[
    "no dead-letter queue",
    "no Retry",
    "time-out inversion",
    "not idempotent",
    "order matters",
    "swallowed errors",
    "retry storm",
]
STORM = 3.0
_SOURCES = ("sqs:", "kinesis:", "dynamodbstreams:", "sns:", "events:", "s3:")


class Advice(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A rule that something breaks, and what would put it right."""

    rule: Rule
    node: str
    text: str


def advise(rows: Iterable[Row], application: Application) -> list[Advice]:
    """What to do, each thing once."""
    rows = list(rows)
    return sorted({*_from_cells(rows), *_from_configuration(rows, application)})


def _from_cells(rows: Iterable[Row]) -> Iterator[Advice]:
    for row in rows:
        for kind, cell in _cells(row):
            if kind == "reorder" and (cell.duplicated or cell.lost > cell.dead_letters):
                text = (
                    f"{row.target} ends up with something else when {row.source} delivers in another order, as it may:"
                    " compare versions before writing, or deliver through FIFO queues and topics"
                )
                yield Advice(rule="order matters", node=row.target, text=text)
            elif cell.duplicated and row.target.startswith("lambda:"):
                text = f"{row.target} counts what comes twice twice: note what is done, in the same transaction"
                yield Advice(rule="not idempotent", node=row.target, text=text)
            elif cell.duplicated:
                text = (
                    f"{row.source} asks {row.target} for {row.operation} again when the answer is lost, and that "
                    "counts twice: make the write conditional, or send a token with it"
                )
                yield Advice(rule="not idempotent", node=row.source, text=text)
            if cell.lost > cell.dead_letters and row.source.startswith("lambda:"):
                text = f"{row.source} loses what {row.target} refuses: let it fail, or name the items that failed"
                yield Advice(rule="swallowed errors", node=row.source, text=text)
            if cell.amplification > STORM:
                text = (
                    f"broken ({kind}), {row.source} → {row.target} makes {cell.amplification:g} times as many calls: "
                    "bound the attempts, back off longer"
                )
                yield Advice(rule="retry storm", node=row.source, text=text)
            if row.source.startswith(("stepfunctions:", "states:")) and kind == "throttle" and cell.color != "green":
                text = f"{row.source} gives up when {row.target} throttles: add Retry to the state that calls it"
                yield Advice(rule="no Retry", node=row.source, text=text)


def _from_configuration(rows: list[Row], application: Application) -> Iterator[Advice]:
    nodes = {node for row in rows for node in (row.source, row.target)}
    functions = {name.partition(":")[2] for name in nodes if name.startswith("lambda:")}
    timeouts = {name: _function(application, name) for name in functions}
    for row in rows:
        timeout = timeouts.get(row.target.partition(":")[2])
        if timeout is None or row.operation != "Invoke":
            continue
        if row.source.startswith(("apigateway", "execute-api")) and timeout > 30:
            text = f"{row.target} may take {timeout} s; the API gives up after 30"
            yield Advice(rule="time-out inversion", node=row.target, text=text)
    sqs = application.client("sqs")
    for mapping in _mappings(application):
        function = str(mapping.get("FunctionArn", "")).rpartition(":")[2]
        arn = str(mapping.get("EventSourceArn", ""))
        if function not in functions:
            continue
        if ":sqs:" in arn:
            name = arn.rpartition(":")[2]
            urls = [url for url in application.queues() if url.rpartition("/")[2] == name]
            for url in urls:
                attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
                yield from _queue(name, attributes, function, timeouts.get(function))
        elif (
            not mapping.get("DestinationConfig", {}).get("OnFailure") and mapping.get("MaximumRetryAttempts", -1) == -1
        ):
            stream = arn.partition("/")[2].partition("/")[0] or arn
            text = (
                f"one record that {function} cannot take holds up {stream} until it expires: "
                "set MaximumRetryAttempts and a destination on failure"
            )
            yield Advice(rule="no dead-letter queue", node=f"lambda:{function}", text=text)


def _queue(name: str, attributes: dict[str, str], function: str, timeout: int | None) -> Iterator[Advice]:
    if "RedrivePolicy" not in attributes or not json.loads(attributes["RedrivePolicy"]):
        text = f"what {function} cannot take comes back to {name} until it expires: give it a RedrivePolicy"
        yield Advice(rule="no dead-letter queue", node=f"sqs:{name}", text=text)
    hidden = int(attributes.get("VisibilityTimeout", "30"))
    if timeout is not None and hidden < timeout:
        text = f"messages of {name} come again after {hidden} s, while {function} may still work on them ({timeout} s)"
        yield Advice(rule="time-out inversion", node=f"sqs:{name}", text=text)


def _mappings(application: Application) -> list[dict[str, Any]]:
    pages = application.client("lambda").get_paginator("list_event_source_mappings").paginate()
    return [one for page in pages for one in page["EventSourceMappings"]]


def _function(application: Application, name: str) -> int | None:
    from botocore.exceptions import ClientError

    try:
        return int(application.client("lambda").get_function_configuration(FunctionName=name)["Timeout"])
    except ClientError:
        return None


def _cells(row: Row) -> Iterator[tuple[str, Cell]]:
    for cells in row.cells.values():
        yield from cells.items()
