"""The values of a log event's JSON by dotted path, as fields are named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

MOST_FIELDS = 1_000


def flat(document: str | None) -> dict[str, str]:
    """A JSON document's values by dotted path."""
    if document is None:
        return {}
    try:
        read = orjson.loads(document)
    except orjson.JSONDecodeError:
        return {}
    found: dict[str, str] = {}
    for path, value in _values(read, ""):
        found.setdefault(path, value)
        if len(found) >= MOST_FIELDS:
            break
    return found


def _values(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(inner, f"{path}.{key}" if path else f"@{key}" if key.startswith("@") else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _values(inner, f"{path}.{number}" if path else str(number))
    elif value is not None and path:
        yield path, value if isinstance(value, str) else orjson.dumps(value).decode()
