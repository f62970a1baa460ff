"""The embedded metric format: log events that are metrics, as powertools and AWS's libraries write them. Pure.

A document that breaks a rule is a log event and nothing more, as at AWS, which counts those. Source: "Specification:
Embedded metric format" of the CloudWatch user guide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import orjson

MARK = '"_aws"'
_MOST_METRICS, _MOST_DIMENSIONS, _MOST_VALUES = 100, 30, 100
_MOST_DATA = 3_000
"""Of one event; the specification bounds metrics and dimensions, not directives and dimension sets."""


Told: TypeAlias = tuple[str, dict[str, Any]]
"""A namespace, and one of its MetricData."""


class Embedded(NamedTuple):
    """MetricData by namespace; how many messages are no JSON, and how many break a rule in some part."""

    data: dict[str, list[dict[str, Any]]]
    unparsed: int
    invalid: int


def metrics_in(messages: Iterable[str]) -> Embedded:
    """The metrics of those messages that are in the format."""
    found: dict[str, list[dict[str, Any]]] = {}
    unparsed = invalid = 0
    for message in messages:
        if MARK not in message or not message.lstrip().startswith("{"):
            continue
        try:
            document = orjson.loads(message)
        except orjson.JSONDecodeError:
            unparsed += 1
            continue
        facts = document.get("_aws")
        if not isinstance(facts, dict) or "CloudWatchMetrics" not in facts:
            continue
        broken = False
        for told in islice(_of(document, facts), _MOST_DATA):
            if told is None:
                broken = True
            else:
                found.setdefault(told[0], []).append(told[1])
        invalid += broken
    return Embedded(found, unparsed, invalid)


def _of(document: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[Told | None]:
    """What a document tells; None for each part of it that breaks a rule."""
    directives, moment = facts["CloudWatchMetrics"], facts.get("Timestamp")
    if not isinstance(directives, list) or not isinstance(moment, int):
        yield None
        return
    for directive in directives:
        if isinstance(directive, dict):
            yield from _directed(directive, document, moment / 1000)
        else:
            yield None


def _directed(directive: Mapping[str, Any], document: Mapping[str, Any], moment: float) -> Iterator[Told | None]:
    namespace, sets, metrics = (directive.get(name) for name in ("Namespace", "Dimensions", "Metrics"))
    named = isinstance(namespace, str) and namespace and not namespace.startswith("AWS/")
    if not named or not isinstance(metrics, list) or len(metrics) > _MOST_METRICS:
        yield None
        return
    for names in sets if isinstance(sets, list) and sets else [[]]:
        dimensions = _dimensions(names, document)
        if dimensions is None:
            yield None
            continue
        for metric in metrics:
            datum = _datum(metric, document)
            told = None if datum is None else {**datum, "Dimensions": dimensions, "Timestamp": moment}
            yield None if told is None else (str(namespace), told)


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
