"""Drift: how what a service says of a resource now differs from what its template stated. The comparison is pure.

Only properties that the template states are compared, as texts where templates may write them so; the order of lists
does not count. Types whose services cannot be asked (no `read`) are not checked. Source: "Detect unmanaged
configuration changes to stacks and resources with drift detection" of the user guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from kumoi.doorway.resource_types import ResourceCall
from kumoi.services.cloudformation.acting import Acting
from kumoi.services.cloudformation.records import Drift, StackResource
from kumoi.services.cloudformation.taking_away import is_gone
from kumoi.wire.errors import AwsError

Difference = dict[str, str]


async def drift_of(acting: Acting, resource: StackResource) -> Drift:
    """How a resource has drifted."""
    now, made = acting.journal.now, resource.made
    declared = acting.types.find(resource.type)
    if made is None or declared is None or declared.read is None:
        return Drift(stack=resource.stack, name=resource.name, status="NOT_CHECKED", when=now)
    call = acting.call(resource, await acting.resolved_if_possible(made.properties), made.token, made)
    try:
        found = await declared.read(call)
    except AwsError as error:
        if not is_gone(error):
            raise
        expected = _json(call.properties)
        return Drift(stack=resource.stack, name=resource.name, status="DELETED", when=now, expected=expected)
    actual = {name: value for name, value in found.properties.items() if name in call.properties}
    if "Tags" in actual:
        actual["Tags"] = _own_tags(call, actual["Tags"])
    expected_properties = {name: call.properties[name] for name in actual}
    differing = tuple(differences(expected_properties, actual))
    return Drift(
        stack=resource.stack,
        name=resource.name,
        status="MODIFIED" if differing else "IN_SYNC",
        when=now,
        expected=_json(expected_properties),
        actual=_json({name: value for name, value in actual.items() if value is not None}),
        differences=differing,
    )


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[Difference]:
    """What differs, as PropertyDifferences tell it."""
    expected, actual = _alike(expected, actual)
    if isinstance(expected, dict) and isinstance(actual, dict):
        for name in sorted(expected.keys() | actual.keys(), key=str):
            yield from differences(expected.get(name), actual.get(name), f"{path}/{name}")
    elif isinstance(expected, list) and isinstance(actual, list):
        one, other = _without_common(expected, actual)
        for at in range(max(len(one), len(other))):
            yield from differences(
                one[at] if at < len(one) else None, other[at] if at < len(other) else None, f"{path}/{at}"
            )
    elif _text(expected) != _text(actual):
        kind = "ADD" if expected is None else "REMOVE" if actual is None else "NOT_EQUAL"
        yield {
            "PropertyPath": path,
            "ExpectedValue": _shown(expected),
            "ActualValue": _shown(actual),
            "DifferenceType": kind,
        }


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    """A JSON text beside a structure as a structure, too."""
    if isinstance(one, str) and isinstance(other, dict | list):
        return _loaded(one), other
    if isinstance(other, str) and isinstance(one, dict | list):
        return one, _loaded(other)
    return one, other


def _loaded(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _without_common(expected: list[Any], actual: list[Any]) -> tuple[list[Any], list[Any]]:
    """Two lists without what both have, each in order of its contents."""
    left = {key: value for value in actual for key in (_canonical(value),)}
    one = [value for value in expected if _canonical(value) not in left]
    known = {_canonical(value) for value in expected}
    other = [value for key, value in left.items() if key not in known]
    return sorted(one, key=_canonical), sorted(other, key=_canonical)


def _canonical(value: Any) -> str:
    if isinstance(value, dict):
        return _json({str(name): _canonical(one) for name, one in sorted(value.items()) if one is not None})
    if isinstance(value, list):
        return _json(sorted(_canonical(one) for one in value))
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else _json(value) if isinstance(value, dict | list) else str(value)


def _shown(value: Any) -> str:
    return "null" if value is None else _text(value)


def _own_tags(call: ResourceCall, tags: Any) -> list[Mapping[str, Any]]:
    """The tags that the template states or somebody added: those of the stack and of CloudFormation are neither."""
    stated = {one.get("Key") for one in call.properties.get("Tags") or () if isinstance(one, Mapping)}
    return [
        one
        for one in tags
        if one["Key"] in stated or (one["Key"] not in call.tags and not one["Key"].startswith("aws:"))
    ]


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_SORT_KEYS).decode()
