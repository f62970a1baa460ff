"""The form that an enrichment or a target gets a record in. Pure.

A placeholder is a path into the record (`<$.body.id>`) or a fact of the pipe (`<aws.pipes.pipe-name>`). A path sees
JSON where `body` of a queue's message or `data` of a stream's record hold it as text ("implicit body data parsing").
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from kumoi.delivery import json_path
from kumoi.delivery.json_path import Missing, PathError
from kumoi.delivery.retry import DeliveryFailed
from kumoi.delivery.templates import ABSENT, fill

PLACEHOLDER = re.compile(r"<(\$[^<>]*|aws\.pipes\.[A-Za-z.\-]+)>")
FACTS = frozenset(
    f"aws.pipes.{name}"
    for name in (
        *("pipe-arn", "pipe-name", "source-arn", "enrichment-arn", "target-arn"),
        *("event.ingestion-time", "event", "event.json"),
    )
)


def check(template: str) -> str | None:
    """What is wrong with a template, or None."""
    for name in PLACEHOLDER.findall(template):
        if name.startswith("$"):
            try:
                json_path.parse(name)
            except PathError:
                return f"Invalid JSON path {name} in the input template."
        elif name not in FACTS:
            return f"Unknown variable <{name}> in the input template."
    return None


def rendered(template: str | None, record: Any, facts: Mapping[str, Any]) -> Any:
    """A record in the form of a template, as parsed JSON where it is some; as it is without a template.

    Raises DeliveryFailed when the template makes nothing of it.
    """
    if not template:
        return record
    value_of = partial(_value, opened(record), record, facts)
    if template.lstrip()[:1] in ("{", "[", '"'):
        text = fill(template, PLACEHOLDER, value_of)
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    whole = PLACEHOLDER.fullmatch(template.strip())
    if whole is not None:
        value = value_of(whole[1])
        return None if value is ABSENT else value
    return PLACEHOLDER.sub(lambda match: _bare(value_of(match[1])), template)


def opened(record: Any) -> Any:
    """A record as paths see it."""
    if not isinstance(record, dict):
        return record
    source = record.get("eventSource")
    if source == "aws:sqs" and isinstance(record.get("body"), str):
        return {**record, "body": _parsed(record["body"])}
    if source == "aws:kinesis" and isinstance(record.get("data"), str):
        try:
            return {**record, "data": _parsed(base64.b64decode(record["data"]).decode())}
        except (binascii.Error, UnicodeDecodeError):
            return record
    return record


def path_or_text(value: str, record: Any) -> str:
    """A parameter of a target: a path's value, or the text itself; DeliveryFailed for a path to nothing."""
    if not value.startswith("$."):
        return value
    try:
        found = json_path.find(opened(record), json_path.parse(value))
    except (Missing, PathError):
        raise DeliveryFailed("INVALID_PARAMETER", f"The record has nothing at {value}.", retry=False) from None
    return _bare(found)


def _value(opened_record: Any, record: Any, facts: Mapping[str, Any], name: str) -> Any:
    if name == "aws.pipes.event":
        return opened_record
    if name == "aws.pipes.event.json":
        return record
    if not name.startswith("$"):
        return facts.get(name, ABSENT)
    try:
        return json_path.find(opened_record, json_path.parse(name))
    except (Missing, PathError):
        return ABSENT


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _bare(value: Any) -> str:
    if value is ABSENT:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
