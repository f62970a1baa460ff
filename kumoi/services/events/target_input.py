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

from kumoi.delivery import DeliveryFailed
from kumoi.services.events import json_path
from kumoi.services.events.json_path import Missing, PathError

_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.\-]+)>")
_PREDEFINED = frozenset(
    f"aws.events.{name}" for name in ("rule-arn", "rule-name", "event.ingestion-time", "event", "event.json")
)
_MISSING = object()


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
        for placeholder in _PLACEHOLDER.findall(transformer["InputTemplate"]):
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
            raise _undeliverable(f"the event has nothing at the InputPath {target['InputPath']}") from None
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        values = _values(transformer.get("InputPathsMap", {}), event, facts)
        return fill(transformer["InputTemplate"], values)
    return _dump(event)


def fill(template: str, values: Mapping[str, Any]) -> str:
    """A template with its placeholders replaced; DeliveryFailed when that makes no valid input."""
    start = template.lstrip()[:1]
    if start == '"':
        return _PLACEHOLDER.sub(lambda match: _bare(values.get(match[1], _MISSING)), template)
    if start not in ("{", "["):
        raise _undeliverable("the InputTemplate is neither JSON nor quoted text")
    filled = _fill_json(template, values)
    try:
        orjson.loads(filled)
    except orjson.JSONDecodeError as error:
        raise _undeliverable(f"the InputTemplate does not become valid JSON: {error}") from None
    return filled


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


def _fill_json(template: str, values: Mapping[str, Any]) -> str:
    """Fill a JSON template, keeping track of whether a placeholder stands inside of quotes."""
    filled: list[str] = []
    at, quoted = 0, False
    while at < len(template):
        match = _PLACEHOLDER.match(template, at)
        if match is not None:
            value = values.get(match[1], _MISSING)
            filled.append(_inside_quotes(value) if quoted else _outside_quotes(value))
            at = match.end()
        elif quoted and template[at] == "\\":
            filled.append(template[at : at + 2])
            at += 2
        else:
            quoted ^= template[at] == '"'
            filled.append(template[at])
            at += 1
    return "".join(filled)


def _outside_quotes(value: Any) -> str:
    return '""' if value is _MISSING else _dump(value)


def _inside_quotes(value: Any) -> str:
    if value is _MISSING:
        return ""
    dumped = _dump(value)
    return dumped[1:-1] if isinstance(value, str) else dumped


def _bare(value: Any) -> str:
    """A value in quoted text: objects lose every quote, so that the text stays one."""
    if value is _MISSING:
        return ""
    if isinstance(value, str):
        return _dump(value)[1:-1]
    return _dump(value).replace('"', "")


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def _undeliverable(reason: str) -> DeliveryFailed:
    return DeliveryFailed("INVALID_JSON", f"There is nothing to deliver: {reason}.", retry=False)
