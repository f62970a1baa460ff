"""Patch operations: changes of a resource as JSON-Patch-like paths with values of text; pure.

A table per kind of resource says which paths there are and what their values mean: `Fields`. Source: "Patch operations"
of the API Gateway API reference, which lists the paths of each resource.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kumoi.services.apigateway.errors import bad

Change = Callable[[dict[str, Any], str, list[str], str | None], None]
"""`change(document, op, rest of the path, value)`: edits the document in place; raises BadRequestException."""

Fields = Mapping[str, Change]


def patched(document: Mapping[str, Any], fields: Fields, operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The document with patch operations applied in order; raises BadRequestException, and then nothing is changed."""
    changed = copy.deepcopy(dict(document))
    for operation in operations:
        path, op, value = operation.get("path") or "", operation.get("op") or "replace", operation.get("value")
        if op == "copy" and operation.get("from"):
            value, op = _read(changed, str(operation["from"])), "replace"
        if op not in ("add", "remove", "replace"):
            raise bad(f"Invalid patch operation specified: {op}. Must be one of: [add, remove, replace, copy]")
        segments = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
        if not path.startswith("/") or segments[0] not in fields:
            known = ", ".join(f"/{name}" for name in fields)
            raise bad(f"Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{known}]")
        fields[segments[0]](changed, op, segments, value)
    return changed


def text(document: dict[str, Any], op: str, path: list[str], value: str | None) -> None:
    """A member of text."""
    _leaf(path)
    _assign(document, path[0], op, value)


def flag(document: dict[str, Any], op: str, path: list[str], value: str | None) -> None:
    """A boolean."""
    _leaf(path)
    _assign(document, path[0], op, None if value is None else as_flag(value))


def whole(document: dict[str, Any], op: str, path: list[str], value: str | None) -> None:
    """A whole number; an empty value takes it away."""
    _leaf(path)
    if not value:
        document.pop(path[0], None)
    else:
        _assign(document, path[0], op, as_whole(value))


def number(document: dict[str, Any], op: str, path: list[str], value: str | None) -> None:
    """A number."""
    _leaf(path)
    _assign(document, path[0], op, None if value is None else as_number(value))


def members(document: dict[str, Any], op: str, path: list[str], value: str | None) -> None:
    """A list of texts: `/list` with a value, `/list/value`, or `/list/index`."""
    held: list[str] = list(document.get(path[0]) or [])
    named = "/".join(path[1:]) if len(path) > 1 else None
    if op == "add":
        added = named or value
        if added is not None and added not in held:
            held.append(added)
    elif op == "remove":
        if named is None and value is None:
            held = []
        else:
            gone = _member(held, named or value or "")
            held = [one for one in held if one != gone]
    elif named is None:
        held = [one.strip() for one in (value or "").split(",") if one.strip()]
    else:
        before = _member(held, named)
        if before not in held:
            raise bad(f"Invalid patch path {'/' + '/'.join(path)}: there is no such value")
        held[held.index(before)] = value or ""
    document[path[0]] = held


def mapping(of: Callable[[str], Any] = str) -> Change:
    """A map of names to values: `/map/name`."""

    def change(document: dict[str, Any], op: str, path: list[str], value: str | None) -> None:
        held = dict(document.get(path[0]) or {})
        if len(path) == 1:
            if op != "remove":
                raise bad(f"Invalid patch path /{path[0]}: it needs a name behind it")
            held = {}
        else:
            name = "/".join(path[1:])
            if op == "remove":
                if name not in held:
                    raise bad(f"Invalid patch path /{path[0]}/{name}: there is no such value")
                del held[name]
            else:
                held[name] = of("" if value is None else value)
        document[path[0]] = held

    return change


def within(fields: Fields) -> Change:
    """An object with fields of its own: `/object/field`; removing the object takes it away."""

    def change(document: dict[str, Any], op: str, path: list[str], value: str | None) -> None:
        if len(path) == 1:
            if op != "remove":
                raise bad(f"Invalid patch path /{path[0]}: it needs one of {', '.join(fields)} behind it")
            document.pop(path[0], None)
            return
        if path[1] not in fields:
            known = ", ".join(f"/{path[0]}/{name}" for name in fields)
            raise bad(f"Invalid patch path  '/{'/'.join(path)}' specified for op '{op}'. Must be one of: [{known}]")
        held = dict(document.get(path[0]) or {})
        fields[path[1]](held, op, path[1:], value)
        document[path[0]] = held

    return change


def as_flag(value: str) -> bool:
    """`true` or `false`."""
    if value.lower() not in ("true", "false"):
        raise bad(f"Invalid value {value}: it must be true or false")
    return value.lower() == "true"


def as_whole(value: str) -> int:
    """A whole number."""
    try:
        return int(value)
    except ValueError:
        raise bad(f"Invalid value {value}: it must be a whole number") from None


def as_number(value: str) -> float:
    """A number."""
    try:
        found = float(value)
    except ValueError:
        raise bad(f"Invalid value {value}: it must be a number") from None
    if found != found or found in (float("inf"), float("-inf")):
        raise bad(f"Invalid value {value}: it must be a number")
    return found


def _assign(document: dict[str, Any], name: str, op: str, value: Any) -> None:
    if op == "remove" or value is None:
        document.pop(name, None)
    else:
        document[name] = value


def _leaf(path: list[str]) -> None:
    if len(path) != 1:
        raise bad(f"Invalid patch path /{'/'.join(path)}: nothing is behind {path[0]}")


def _member(held: list[str], named: str) -> str:
    if named not in held and named.isdigit() and int(named) < len(held):
        return held[int(named)]
    return named


def _read(document: Mapping[str, Any], path: str) -> str:
    found: Any = document
    for part in path.split("/")[1:]:
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    if not isinstance(found, str | int | float | bool):
        raise bad(f"Invalid from path {path}: there is no value to copy")
    return str(found).lower() if isinstance(found, bool) else str(found)
