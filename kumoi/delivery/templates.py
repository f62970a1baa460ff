"""Input templates: text with placeholders that become a target's input. Pure.

A template that begins with `{` or `[` is JSON: a placeholder outside of quotes becomes a JSON value, one inside of
quotes the bare text. One that begins with `"` is text: values appear bare, objects without any quotes. One that is
nothing but a placeholder becomes its value in JSON.
Source: "Transforming target input" of the EventBridge user guide, and recorded deliveries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson

from kumoi.delivery.retry import DeliveryFailed

ABSENT = object()
"""Stands for a placeholder without a value: nothing inside of quotes, an empty text outside."""

ValueOf = Callable[[str], Any]


def fill(template: str, placeholder: re.Pattern[str], value_of: ValueOf) -> str:
    """A template with its placeholders (their first group is the name) replaced.

    Raises DeliveryFailed when that makes no valid input.
    """
    start = template.lstrip()[:1]
    if (alone := placeholder.fullmatch(template.strip())) is not None:
        return _outside_quotes(value_of(alone[1]))
    if start == '"':
        return placeholder.sub(lambda match: _bare(value_of(match[1])), template)
    if start not in ("{", "["):
        raise undeliverable("the InputTemplate is neither JSON nor quoted text")
    filled = fill_json(template, placeholder, value_of)
    try:
        orjson.loads(filled)
    except orjson.JSONDecodeError as error:
        raise undeliverable(f"the InputTemplate does not become valid JSON: {error}") from None
    return filled


def fill_json(template: str, placeholder: re.Pattern[str], value_of: ValueOf) -> str:
    """Fill a JSON template, keeping track of whether a placeholder stands inside of quotes."""
    filled: list[str] = []
    at, quoted = 0, False
    while at < len(template):
        match = placeholder.match(template, at)
        if match is not None:
            value = value_of(match[1])
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


def undeliverable(reason: str) -> DeliveryFailed:
    """There is nothing that a target could get."""
    return DeliveryFailed("INVALID_JSON", f"There is nothing to deliver: {reason}.", retry=False)


def _outside_quotes(value: Any) -> str:
    return '""' if value is ABSENT else _dump(value)


def _inside_quotes(value: Any) -> str:
    if value is ABSENT:
        return ""
    dumped = _dump(value)
    return dumped[1:-1] if isinstance(value, str) else dumped


def _bare(value: Any) -> str:
    """A value in quoted text: objects lose every quote, so that the text stays one."""
    if value is ABSENT:
        return ""
    if isinstance(value, str):
        return _dump(value)[1:-1]
    return _dump(value).replace('"', "")


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
