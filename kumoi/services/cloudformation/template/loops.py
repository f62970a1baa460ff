"""Fn::ForEach of the transform AWS::LanguageExtensions, pure: one entry of a section becomes several.

`"Fn::ForEach::Name": [Identifier, [values], {"Key${Identifier}": …}]`; in what is repeated `${Identifier}` and
`{"Ref": "Identifier"}` stand for the value, and `&{Identifier}` for the value without what is not alphanumeric.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kumoi.services.cloudformation.template.bounds import MOST_WRITTEN
from kumoi.wire.errors import AwsError, aws_error

PREFIX = "Fn::ForEach::"
MOST_DEPTH = 5


def unrolled(template: Any, parameters: Mapping[str, Any]) -> Any:
    """A template with its loops written out; ValidationError for a loop that is not as it should be, or too long."""
    return _Loops(parameters).unrolled(template)


class _Loops:
    """The loops of one template, and how much they have written."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._parameters = parameters
        self._written = 0

    def unrolled(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, list):
            return [self.unrolled(one, depth) for one in value]
        if not isinstance(value, dict):
            return value
        found: dict[str, Any] = {}
        for name, one in value.items():
            entries = self._entries(name, one, depth) if name.startswith(PREFIX) else {name: one}
            for key, body in entries.items():
                if key in found:
                    raise _error(f"{name} makes the key {key} twice")
                found[key] = self.unrolled(body, depth)
        return found

    def _entries(self, name: str, loop: Any, depth: int) -> dict[str, Any]:
        if (
            not isinstance(loop, list)
            or len(loop) != 3
            or not isinstance(loop[0], str)
            or not isinstance(loop[2], dict)
        ):
            raise _error(f"{name} layout is incorrect")
        if depth >= MOST_DEPTH:
            raise _error(f"loops are nested deeper than {MOST_DEPTH}")
        identifier, collection, body = loop
        if isinstance(collection, dict) and len(collection) == 1:
            collection = self._parameters.get(str(collection.get("Ref")))
        if not isinstance(collection, list):
            raise _error(f"the collection of {name} is neither a list nor a Ref to a list of the parameters")
        found: dict[str, Any] = {}
        for item in collection:
            entries = self._replaced(body, identifier, str(item))
            for key, one in self.unrolled(entries, depth + 1).items():
                if key in found:
                    raise _error(f"{name} makes the key {key} twice")
                found[key] = one
        return found

    def _replaced(self, value: Any, identifier: str, item: str) -> Any:
        result = value
        if isinstance(value, list):
            result = [self._replaced(one, identifier, item) for one in value]
        elif isinstance(value, dict):
            if value == {"Ref": identifier}:
                return self._replaced(f"${{{identifier}}}", identifier, item)
            result = {
                self._replaced(name, identifier, item): self._replaced(one, identifier, item)
                for name, one in value.items()
            }
        elif isinstance(value, str):
            bare = re.sub(r"[^A-Za-z0-9]", "", item)
            result = value.replace(f"${{{identifier}}}", item).replace(f"&{{{identifier}}}", bare)
        self._written += len(result) if isinstance(result, str) else 1
        if self._written > MOST_WRITTEN:
            raise _error(f"the loops write more than {MOST_WRITTEN} characters")
        return result


def _error(text: str) -> AwsError:
    return aws_error("ValidationError", f"Transform AWS::LanguageExtensions failed with: {text}")
