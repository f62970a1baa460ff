"""What a target gets of an event: all of it, a constant, a part, or a template filled in. Pure.

A template that begins with `{` or `[` is JSON: a placeholder outside of quotes becomes a JSON value, one inside of
quotes the bare text. One that begins with `"` is text: values appear bare, objects without any quotes.
Source: "Transforming target input" of the EventBridge user guide, and recorded deliveries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from kumoi.delivery import json_path
from kumoi.delivery.json_path import Missing, PathError
from kumoi.delivery.templates import ABSENT, fill, undeliverable

PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.\-]+)>")
_PREDEFINED = frozenset(
    f"aws.events.{name}" for name in ("rule-arn", "rule-name", "event.ingestion-time", "event", "event.json")
)


class InputError(ValueError):
    """What a target says of its input is wrong; the text is AWS's, with the target's id."""


class RuleFacts(NamedTuple):
    """What templates may know beside the event: the rule, and when the event came in (`2026-01-02T03:04:05Z`)."""

    rule_name: str
    rule_arn: str
    ingestion_time: str


def check(target: Mapping[str, Any]) -> None:
    """Raise InputError when a target's Input, InputPath or InputTransformer cannot be used."""
    name = target["Id"]
    if sum(member in target for member in ("Input", "InputPath", "InputTransformer")) > 1:
        raise InputError(f"Only one of Input, InputPath, or InputTransformer must be provided for target {name}.")
    if "Input" in target:
        try:
            orjson.loads(target["Input"])
        except orjson.JSONDecodeError as error:
            raise InputError(f"JSON syntax error in input for target {name}: {error}") from None
    if "InputPath" in target:
        _check_path(target["InputPath"], name)
    transformer = target.get("InputTransformer")
    if transformer is not None:
        paths = transformer.get("InputPathsMap", {})
        for variable, path in paths.items():
            if variable.lower().startswith("aws."):
                raise InputError(f"InputPathsMap for target {name} uses the reserved name {variable}.")
            _check_path(path, name)
        for placeholder in PLACEHOLDER.findall(transformer["InputTemplate"]):
            if placeholder not in paths and placeholder not in _PREDEFINED:
                raise InputError(f"InputTemplate for target {name} contains invalid placeholder {placeholder}.")


def _check_path(path: str, target: str) -> None:
    try:
        json_path.parse(path)
    except PathError:
        raise InputError(f"Invalid JSON path {path} for target {target}.") from None


def render(target: Mapping[str, Any], event: dict[str, Any], facts: RuleFacts) -> str:
    """The text that a target gets of an event; DeliveryFailed when there is none."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        try:
            return _dump(json_path.find(event, json_path.parse(target["InputPath"])))
        except Missing:
            raise undeliverable(f"the event has nothing at the InputPath {target['InputPath']}") from None
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        values = _values(transformer.get("InputPathsMap", {}), event, facts)
        return fill(transformer["InputTemplate"], PLACEHOLDER, lambda name: values.get(name, ABSENT))
    return _dump(event)


def _values(paths: Mapping[str, str], event: dict[str, Any], facts: RuleFacts) -> dict[str, Any]:
    without_detail = {
        "detailType" if key == "detail-type" else key: value for key, value in event.items() if key != "detail"
    }
    values: dict[str, Any] = {
        "aws.events.rule-arn": facts.rule_arn,
        "aws.events.rule-name": facts.rule_name,
        "aws.events.event.ingestion-time": facts.ingestion_time,
        "aws.events.event": without_detail,
        "aws.events.event.json": event,
    }
    for name, path in paths.items():
        try:
            values[name] = json_path.find(event, json_path.parse(path))
        except Missing:
            continue
    return values


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
