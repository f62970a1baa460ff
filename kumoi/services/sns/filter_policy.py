"""Filter policies: which messages a subscription wants; pure.

The language is that of event patterns (`kumoi.event_pattern`), held against the message's attributes or, with scope
MessageBody, against its text. Source: "Amazon SNS message filtering" of the developer guide, and recorded refusals.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import prod
from typing import Any

import orjson

from kumoi.event_pattern import Pattern, PatternError, compile_pattern

MOST_KEYS = 5
MOST_COMBINATIONS = 150
MOST_BYTES = 262_144
BODY_SCOPE = "MessageBody"
SCOPES = ("MessageAttributes", BODY_SCOPE)


class FilterPolicyError(ValueError):
    """A filter policy that is none; the text is AWS's reason."""


@lru_cache(maxsize=1024)
def compile_filter(text: str, scope: str) -> Pattern:
    """A policy, compiled; FilterPolicyError for what is none."""
    if len(text.encode()) > MOST_BYTES:
        raise FilterPolicyError("Filter policy is too long")
    try:
        policy = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise FilterPolicyError("failed to parse JSON.") from None
    if not isinstance(policy, dict):
        raise FilterPolicyError("Filter policy must be an object")
    nested = scope == BODY_SCOPE
    try:
        pattern = compile_pattern(text, "sns-body" if nested else "sns-attributes")
    except PatternError as error:
        raise FilterPolicyError(str(error)) from None
    if len(policy) > MOST_KEYS:
        raise FilterPolicyError("Filter policy can not have more than 5 keys")
    if combinations(policy, nested=nested) > MOST_COMBINATIONS:
        raise FilterPolicyError("Filter policy is too complex")
    return pattern


def combinations(policy: Mapping[str, Any], *, nested: bool) -> int:
    """How many combinations of values a policy stands for: a product over its keys, a sum over the choices of `$or`."""
    return prod(_counts(policy, 1, nested=nested))


def _counts(policy: Mapping[str, Any], depth: int, *, nested: bool) -> list[int]:
    counts = []
    for key, value in policy.items():
        if key == "$or" and isinstance(value, list) and len(value) > 1 and all(isinstance(one, dict) for one in value):
            counts.append(sum(prod(_counts(one, depth, nested=nested)) for one in value))
        elif isinstance(value, dict):
            counts += _counts(value, depth + 1, nested=nested)
        elif isinstance(value, list):
            counts.append(len(value) * (depth if nested else 1))
    return counts


def passes(policy: str, scope: str, text: str, attributes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a message (its text as the subscription would get it) passes."""
    pattern = compile_filter(policy, scope)
    if scope != BODY_SCOPE:
        return pattern.matches(attribute_values(attributes))
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return isinstance(content, dict) and pattern.matches(content)


def attribute_values(attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What a policy sees of message attributes: texts, numbers and lists; nothing of what is binary."""
    values: dict[str, Any] = {}
    for name, attribute in attributes.items():
        kind, text = attribute["DataType"], attribute.get("StringValue")
        if text is None:
            continue
        if kind == "String.Array":
            values[name] = _parsed(text)
        elif kind.partition(".")[0] == "Number":
            values[name] = float(text)
        else:
            values[name] = text
    return values


def _parsed(text: str) -> Any:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return found if isinstance(found, list) else text
