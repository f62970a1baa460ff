"""Whether a mocked result is one that the operation could answer: fieldValidationMode of TestState. Pure.

STRICT wants required members too, PRESENT checks only what is there, NONE nothing. Source: "Using TestState API to test
a state" and recorded messages.
"""

from __future__ import annotations

from typing import Any

from kumoi.wire.model import Shape

_KINDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "string": ("string", (str,)),
    "character": ("string", (str,)),
    "boolean": ("boolean", (bool,)),
    "integer": ("number", (int, float)),
    "long": ("number", (int, float)),
    "short": ("number", (int, float)),
    "float": ("number", (int, float)),
    "double": ("number", (int, float)),
    "list": ("array", (list,)),
    "map": ("object", (dict,)),
    "structure": ("object", (dict,)),
}


def problem(shape: Shape, value: Any, mode: str, path: str = "") -> str | None:
    """What is wrong with a value, as TestState says it; None for what fits."""
    if mode == "NONE" or shape.document or shape.type not in _KINDS:
        return None
    name, types = _KINDS[shape.type]
    if not isinstance(value, types) or (isinstance(value, bool) and name != "boolean"):
        return f"Mock result schema validation error: Field '{path or 'result'}' must be {_article(name)} {name}"
    if shape.type == "structure":
        members: Any = value
        return _structure(shape, members, mode, path)
    inner = shape.item if shape.type == "list" else shape.value if shape.type == "map" else None
    if inner is None:
        return None
    content: Any = value
    pairs = enumerate(content) if shape.type == "list" else content.items()
    at = "[{}]" if shape.type == "list" else ".{}"
    found = (problem(inner, one, mode, path + at.format(key)) for key, one in pairs)
    return next((one for one in found if one is not None), None)


def _structure(shape: Shape, value: dict[str, Any], mode: str, path: str) -> str | None:
    members = {name.lower(): (name, member) for name, member in shape.members.items()}
    given = {key.lower() for key in value}
    for name in sorted(shape.required) if mode == "STRICT" else ():
        if name.lower() not in given:
            shown = name[:1].upper() + name[1:]
            return f"Mock result schema validation error: Required field '{_join(path, shown)}' is missing"
    for key, one in value.items():
        if key.lower() in members:
            found = problem(members[key.lower()][1], one, mode, _join(path, key))
            if found is not None:
                return found
    return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _article(name: str) -> str:
    return "an" if name[0] in "aeio" else "a"
