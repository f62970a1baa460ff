"""Paths of attributes: `device.coord[0]`. Pure; source: the user guide, "Pipeline activities"."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

Steps = tuple[str | int, ...]

MISSING: Final = object()
_STEP = re.compile(r"([^.\[\]]+)((?:\[\d{1,9}\])*)")


@lru_cache(maxsize=4096)
def steps(path: str) -> Steps:
    """The names and numbers that a path leads along; the path as one name where it is no path."""
    found: list[str | int] = []
    for part in path.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            return (path,)
        found.append(match[1])
        found += [int(number) for number in re.findall(r"\d+", match[2])]
    return tuple(found)


def get(message: Any, path: str) -> Any:
    """The value at a path, or MISSING."""
    value = message
    for step in steps(path):
        known = isinstance(value, dict) and step in value
        if isinstance(step, int):
            known = isinstance(value, list) and step < len(value)
        if not known:
            return MISSING
        value = value[step]
    return value


def without(message: dict[str, Any], path: str) -> dict[str, Any]:
    """A message without the value at a path; the message itself where there is none."""
    found: dict[str, Any] = _without(message, steps(path))
    return found


def _without(value: Any, along: Steps) -> Any:
    step, rest = along[0], along[1:]
    if isinstance(step, str) and isinstance(value, dict) and step in value:
        inner = _without(value[step], rest) if rest else None
        if rest and inner is value[step]:
            return value
        return {k: (inner if k == step else v) for k, v in value.items() if rest or k != step}
    if isinstance(step, int) and isinstance(value, list) and step < len(value):
        inner = _without(value[step], rest) if rest else None
        if rest and inner is value[step]:
            return value
        return [*value[:step], *([inner] if rest else []), *value[step + 1 :]]
    return value


def last_name(path: str) -> str:
    """The name that a selected attribute has at the top: the last of its path."""
    return next(step for step in reversed(steps(path)) if isinstance(step, str))
