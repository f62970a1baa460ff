"""Operators and functions of JSON that SQLite has not, or means otherwise.

Source: "JSON Functions and Operators" of PostgreSQL's manual. JSON is a text here; paths are arrays: `{a,0}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from kumoi.services.rds.data.arrays import elements
from kumoi.services.rds.data.text_functions import strict
from kumoi.services.rds.data.values import BadValue

_KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}


def contains(value: str, wanted: str) -> int:
    """`@>`."""
    return int(_holds(_read(value), _read(wanted)))


def at_path(value: str, path: str) -> str | None:
    """`#>`: what lies at a path; none where nothing does."""
    found: Any = _read(value)
    for step in elements(path):
        try:
            found = found[int(step or "")] if isinstance(found, list) else found[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return _written(found)


def text_at_path(value: str, path: str) -> str | None:
    """`#>>`."""
    found = at_path(value, path)
    return None if found is None else json_text(found)


def json_text(value: Any) -> str | None:
    """What `->>` makes of a JSON value: a text without its quotes, null as none, anything else as it is written."""
    if value is None or value == "null":
        return None
    return str(orjson.loads(value)) if value.startswith('"') else str(value)


def has_key(value: str, key: str) -> int:
    """`?`."""
    found = _read(value)
    return int(key in found if isinstance(found, dict | list) else found == key)


def joined(left: str, right: str) -> str:
    """`||`: of objects, one over the other; of anything else, arrays."""
    first, second = _read(left), _read(right)
    if isinstance(first, dict) and isinstance(second, dict):
        return _written({**first, **second})
    return _written(
        [*(first if isinstance(first, list) else [first]), *(second if isinstance(second, list) else [second])]
    )


def without(value: str, key: Any) -> str:
    """`-`: without a key, or the element at a place."""
    found = _read(value)
    if isinstance(found, dict):
        return _written({name: one for name, one in found.items() if name != key})
    if not isinstance(found, list):
        raise BadValue("ERROR: cannot delete from scalar; SQLState: 22023")
    if isinstance(key, int):
        place = key if key >= 0 else len(found) + key
        return _written([one for at, one in enumerate(found) if at != place])
    return _written([one for one in found if one != key])


def with_value(value: str, path: str, new: str, create: int = 1) -> str:
    """`jsonb_set`: with another value at a path; its last step may be made, the others must be there."""
    found = _read(value)
    steps = [one or "" for one in elements(path)]
    place: Any = found
    for step in steps[:-1]:
        try:
            place = place[int(step)] if isinstance(place, list) else place[step]
        except (KeyError, IndexError, TypeError, ValueError):
            return _written(found)
    if not steps:
        return _written(found)
    if isinstance(place, dict):
        if create or steps[-1] in place:
            place[steps[-1]] = _read(new)
    elif isinstance(place, list):
        _put(place, int(steps[-1]), _read(new), bool(create))
    return _written(found)


def without_nulls(value: Any) -> Any:
    """A value without the members of its objects that are null."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def _put(place: list[Any], at: int, value: Any, create: bool) -> None:
    index = at if at >= 0 else len(place) + at
    if 0 <= index < len(place):
        place[index] = value
    elif create:
        place.insert(0 if index < 0 else len(place), value)


def _holds(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(name in value and _holds(value[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return isinstance(value, list) and all(any(_holds(one, each) for one in value) for each in wanted)
    if isinstance(value, list):
        return wanted in value
    return isinstance(value, bool) is isinstance(wanted, bool) and bool(value == wanted)


def _length(value: str) -> int:
    found = _read(value)
    if not isinstance(found, list):
        raise BadValue("ERROR: cannot get array length of a non-array; SQLState: 22023")
    return len(found)


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadValue("ERROR: invalid input syntax for type json; SQLState: 22P02") from None


def _written(value: Any) -> str:
    return orjson.dumps(value).decode()


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "kumoi_json_contains": strict(contains),
    "kumoi_json_has": strict(has_key),
    "kumoi_json_join": strict(joined),
    "kumoi_json_length": strict(_length),
    "kumoi_json_path": strict(at_path),
    "kumoi_json_path_text": strict(text_at_path),
    "kumoi_json_pretty": strict(lambda value: orjson.dumps(_read(value), option=orjson.OPT_INDENT_2).decode()),
    "kumoi_json_set": strict(with_value),
    "kumoi_json_strip_nulls": strict(lambda value: _written(without_nulls(_read(value)))),
    "kumoi_json_text": json_text,
    "kumoi_json_typeof": strict(lambda value: _KINDS.get(type(_read(value)), "null")),
    "kumoi_json_without": strict(without),
}
"""What statements call; each answers the same to the same."""
