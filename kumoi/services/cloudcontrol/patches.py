"""JSON patches, applied: pure. Source: RFC 6902, and RFC 6901 for pointers."""

from __future__ import annotations

import copy
from typing import Any

import orjson


class PatchError(ValueError):
    """What is wrong with a patch."""


def patched(document: dict[str, Any], text: str) -> dict[str, Any]:
    """A document after a patch (a JSON array of operations); raises PatchError."""
    try:
        steps = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise PatchError("the patch is not JSON") from None
    if not isinstance(steps, list):
        raise PatchError("the patch is not an array")
    result: Any = copy.deepcopy(document)
    for step in steps:
        result = _step(result, step)
    if not isinstance(result, dict):
        raise PatchError("the document is no object afterwards")
    return result


def _step(document: Any, step: Any) -> Any:
    if not isinstance(step, dict) or not isinstance(step.get("path"), str):
        raise PatchError("an operation has an op and a path")
    op, path = step.get("op"), _pointer(step["path"])
    if op in ("add", "replace", "test") and "value" not in step:
        raise PatchError(f"the operation {op} has a value")
    if op == "test":
        if _at(document, path) != step["value"]:
            raise PatchError(f"the test of {step['path']} fails")
        return document
    if op == "remove":
        return _removed(document, path)
    if op == "add":
        return _added(document, path, step["value"])
    if op == "replace":
        _at(document, path)
        return _added(_removed(document, path), path, step["value"]) if path else step["value"]
    if op in ("move", "copy") and isinstance(step.get("from"), str):
        source = _pointer(step["from"])
        value = copy.deepcopy(_at(document, source))
        return _added(_removed(document, source) if op == "move" else document, path, value)
    raise PatchError(f"there is no operation {op}")


def _pointer(text: str) -> list[str]:
    if text and not text.startswith("/"):
        raise PatchError(f"{text} is no JSON pointer")
    return [one.replace("~1", "/").replace("~0", "~") for one in text.split("/")[1:]]


def _index(parent: list[Any], name: str, *, most: int) -> int:
    if not name.isdecimal() or len(name) > 9 or int(name) > most:
        raise PatchError(f"there is no element {name}")
    return int(name)


def _at(document: Any, path: list[str]) -> Any:
    for name in path:
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list):
            document = document[_index(document, name, most=len(document) - 1)]
        else:
            raise PatchError(f"there is no {name}")
    return document


def _added(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, name = _at(document, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[name] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if name == "-" else _index(parent, name, most=len(parent)), value)
    else:
        raise PatchError(f"nothing can be added at {name}")
    return document


def _removed(document: Any, path: list[str]) -> Any:
    if not path:
        raise PatchError("the whole document cannot be removed")
    _at(document, path)
    parent, name = _at(document, path[:-1]), path[-1]
    if isinstance(parent, dict):
        del parent[name]
    else:
        del parent[int(name)]
    return document
