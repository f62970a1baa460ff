"""The embedded metric format: log events that are metrics, as powertools and AWS's libraries write them. Pure.

A document that breaks a rule is a log event and nothing more, as at AWS. Source: "Specification: Embedded metric
format" of the CloudWatch user guide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import orjson

MARK = '"_aws"'
_MOST_METRICS, _MOST_DIMENSIONS, _MOST_VALUES = 100, 30, 100
_MOST_DATA = 3_000
"""Of one event; the specification bounds metrics and dimensions, not directives and dimension sets."""


def metrics_in(messages: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """MetricData by namespace, of those messages that are in the format."""
    found: dict[str, list[dict[str, Any]]] = {}
    for message in messages:
        if MARK in message:
            for namespace, datum in islice(_of(message), _MOST_DATA):
                found.setdefault(namespace, []).append(datum)
    return found


def _of(message: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        document = orjson.loads(message)
    except orjson.JSONDecodeError:
        return
    facts = document.get("_aws") if isinstance(document, dict) else None
    directives = facts.get("CloudWatchMetrics") if isinstance(facts, dict) else None
    if not isinstance(facts, dict) or not isinstance(directives, list):
        return
    moment = facts.get("Timestamp")
    if not isinstance(moment, int):
        return
    for directive in directives:
        if isinstance(directive, dict):
            yield from _directed(directive, document, moment / 1000)


def _directed(
    directive: Mapping[str, Any], document: Mapping[str, Any], moment: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    namespace, sets, metrics = (directive.get(name) for name in ("Namespace", "Dimensions", "Metrics"))
    if not isinstance(namespace, str) or not namespace or namespace.startswith("AWS/"):
        return
    if not isinstance(metrics, list) or len(metrics) > _MOST_METRICS:
        return
    if not isinstance(sets, list):
        sets = [[]]
    for names in sets or [[]]:
        dimensions = _dimensions(names, document)
        if dimensions is None:
            continue
        for metric in metrics:
            datum = _datum(metric, document)
            if datum is not None:
                yield namespace, {**datum, "Dimensions": dimensions, "Timestamp": moment}


def _dimensions(names: Any, document: Mapping[str, Any]) -> list[dict[str, str]] | None:
    if not isinstance(names, list) or len(names) > _MOST_DIMENSIONS:
        return None
    values = [(name, document.get(name)) for name in names if isinstance(name, str)]
    if len(values) < len(names) or not all(isinstance(value, str) and value.strip() for _, value in values):
        return None
    return [{"Name": name, "Value": str(value)} for name, value in values]


def _datum(metric: Any, document: Mapping[str, Any]) -> dict[str, Any] | None:
    name = metric.get("Name") if isinstance(metric, dict) else None
    if not isinstance(name, str) or name not in document:
        return None
    held = document[name]
    values = held if isinstance(held, list) else [held]
    numbers = [float(one) for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    if not numbers or len(numbers) < len(values) or len(values) > _MOST_VALUES or not all(map(math.isfinite, numbers)):
        return None
    datum: dict[str, Any] = {"MetricName": name, "Values": numbers}
    if isinstance(metric.get("Unit"), str):
        datum["Unit"] = metric["Unit"]
    if metric.get("StorageResolution") in (1, 60):
        datum["StorageResolution"] = metric["StorageResolution"]
    return datum
