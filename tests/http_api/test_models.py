"""Models: what is wrong with a body, and how long it takes to say so."""

from __future__ import annotations

import json
from time import thread_time
from typing import Any

import pytest

from kumoi.http_api.models import schema_of


def wrong(schema: dict[str, Any], body: Any) -> list[str]:
    return schema_of("m", {"m": {"schema": json.dumps(schema)}}).wrong(body)


UNIQUE: dict[str, Any] = {"type": "array", "uniqueItems": True}
NAMED: dict[str, Any] = {"properties": {"id": {}}, "patternProperties": {"^x-": {"type": "string"}}}
CLOSED = {**NAMED, "additionalProperties": False}
RULES: list[tuple[dict[str, Any], Any, list[str]]] = [
    (UNIQUE, [{"a": 1}, {"a": 2}, True, 1, "1", [1]], []),
    (UNIQUE, [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], ["has non-unique elements"]),
    ({**UNIQUE, "uniqueItems": False}, [1, 1], []),
    (UNIQUE, [1e300, 1e300], ["has non-unique elements"]),
    (NAMED, {"x-a": 1, "y": 1}, ["1 is not of type 'string'"]),
    (NAMED, [1], []),
    (CLOSED, {"id": 1, "x-a": "a"}, []),
    (CLOSED, {"id": 1, "z": 1, "y": 1}, ["'y', 'z' do not match any of the regexes: '^x-'"]),
    ({**NAMED, "additionalProperties": {"type": "number"}}, {"x-a": "a", "y": "b"}, ["'b' is not of type 'number'"]),
    ({"properties": {"id": {}}, "additionalProperties": False}, {"y": 1}, ["Additional properties are not allowed"]),
    ({"pattern": "^a+$"}, "b", ["'b' does not match '^a+$'"]),
]


@pytest.mark.parametrize(("schema", "body", "said"), RULES)
def test_rules(schema: dict[str, Any], body: Any, said: list[str]) -> None:
    found = wrong(schema, body)
    assert len(found) == len(said)
    assert all(part in whole for part, whole in zip(said, found, strict=True))


SLOW = "^(a|aa)+(b|c)+d$"
HOSTILE: list[tuple[dict[str, Any], Any, bool]] = [
    (UNIQUE, [{"a": number} for number in range(20_000)], True),
    ({"pattern": SLOW}, "a" * 60 + "b" * 60, False),
    ({"patternProperties": {SLOW: {}}}, {"a" * 60 + "b" * 60: 1}, False),
    ({"patternProperties": {SLOW: {}}, "additionalProperties": False}, {"a" * 60 + "b" * 60: 1}, False),
]


@pytest.mark.parametrize(("schema", "body", "right"), HOSTILE, ids=["items", "pattern", "names", "other names"])
def test_no_body_takes_forever(schema: dict[str, Any], body: Any, right: bool) -> None:
    began = thread_time()
    assert (not wrong(schema, body)) is right
    assert thread_time() - began < 10
