"""Fn::ForEach of the transform AWS::LanguageExtensions, pure: one entry of a section becomes several.

`"Fn::ForEach::Name": [Identifier, [values], {"Key${Identifier}": …}]`; in what is repeated `${Identifier}` and
`{"Ref": "Identifier"}` stand for the value, and `&{Identifier}` for the value without what is not alphanumeric.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kumoi.wire.errors import AwsError, aws_error

PREFIX = "Fn::ForEach::"
MOST_DEPTH = 5


def unrolled(value: Any, parameters: Mapping[str, Any], depth: int = 0) -> Any:
    """A value of a template with its loops written out; ValidationError for a loop that is not as it should be."""
    if isinstance(value, list):
        return [unrolled(one, parameters, depth) for one in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, one in value.items():
        entries = _entries(name, one, parameters, depth) if name.startswith(PREFIX) else {name: one}
        for key, body in entries.items():
            if key in found:
                raise _error(f"{name} makes the key {key} twice")
            found[key] = unrolled(body, parameters, depth)
    return found


def _entries(name: str, loop: Any, parameters: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if not isinstance(loop, list) or len(loop) != 3 or not isinstance(loop[0], str) or not isinstance(loop[2], dict):
        raise _error(f"{name} layout is incorrect")
    if depth >= MOST_DEPTH:
        raise _error(f"loops are nested deeper than {MOST_DEPTH}")
    identifier, collection, body = loop
    if isinstance(collection, dict) and len(collection) == 1:
        collection = parameters.get(str(collection.get("Ref")))
    if not isinstance(collection, list):
        raise _error(f"the collection of {name} is neither a list nor a Ref to a list of the parameters")
    found: dict[str, Any] = {}
    for item in collection:
        entries = _replaced(body, identifier, str(item))
        for key, one in unrolled(entries, parameters, depth + 1).items():
            if key in found:
                raise _error(f"{name} makes the key {key} twice")
            found[key] = one
    return found


def _replaced(value: Any, identifier: str, item: str) -> Any:
    if isinstance(value, str):
        bare = re.sub(r"[^A-Za-z0-9]", "", item)
        return value.replace(f"${{{identifier}}}", item).replace(f"&{{{identifier}}}", bare)
    if isinstance(value, list):
        return [_replaced(one, identifier, item) for one in value]
    if isinstance(value, dict):
        if value == {"Ref": identifier}:
            return item
        return {_replaced(name, identifier, item): _replaced(one, identifier, item) for name, one in value.items()}
    return value


def _error(text: str) -> AwsError:
    return aws_error("ValidationError", f"Transform AWS::LanguageExtensions failed with: {text}")
