"""Advice on what is set up: configurations that work until something fails. Pure.

Each piece is a sentence for the card that it is about. Rules: the Lambda developer guide on queues as event sources,
and API Gateway's limit of a route's integration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

VISIBILITY = 6
"""How many times a function's timeout AWS recommends as the visibility timeout of its queue."""

API_SECONDS = 30


_STARTS = ("event source", "notification", "subscription", "target")
_WRITES = ("Put", "Update", "Delete", "Send", "Publish", "Batch", "Copy", "Transact", "Execute", "Invoke")


def advice(
    details: Mapping[str, Any],
    edges: Mapping[tuple[str, str], str],
    seen: Mapping[tuple[str, str], Iterable[str]] | None = None,
) -> dict[str, list[str]]:
    """What to tell of each node; `details` are descriptions by node, as Lambda and SQS give them, `seen` operations."""
    found: dict[str, list[str]] = {}
    for (source, target), via in edges.items():
        function = details.get(target, {})
        if via in _STARTS and target.startswith("lambda:") and _written((seen or {}).get((target, source), ())):
            name = source.partition(":")[2]
            found.setdefault(target, []).append(
                f"It writes to what starts it, {name}: unless it stops by itself, it goes on for ever."
            )
        if via == "event source" and source.startswith("sqs:") and source in details:
            for sentence in _of_queue(details[source], function):
                found.setdefault(source, []).append(sentence)
        timeout = function.get("Timeout", 0)
        if via in ("route", "method") and target.startswith("lambda:") and timeout > API_SECONDS:
            found.setdefault(target, []).append(
                f"It may run for {timeout} s, but an API waits {API_SECONDS} s: its caller gets an error meanwhile."
            )
    return {node: list(dict.fromkeys(sentences)) for node, sentences in found.items()}


def _written(operations: Iterable[str]) -> bool:
    return any(one.startswith(_WRITES) and not one.startswith("BatchGet") for one in operations)


def _of_queue(queue: Mapping[str, Any], function: Mapping[str, Any]) -> list[str]:
    attributes = queue.get("Attributes", {})
    found = []
    if not attributes.get("RedrivePolicy") or not orjson.loads(attributes["RedrivePolicy"]).get("deadLetterTargetArn"):
        found.append("It has no dead-letter queue: a message that always fails comes back until it expires.")
    visible, timeout = int(attributes.get("VisibilityTimeout", 0)), function.get("Timeout", 0)
    if visible and timeout and visible < VISIBILITY * timeout:
        found.append(
            f"Messages are hidden for {visible} s, less than {VISIBILITY} times the function's timeout of {timeout} s:"
            " they may be handled twice."
        )
    return found
