"""Templates that write the same JSON each time: it is read once, and each rendering gets a copy of its own.

Copies are made by functions that know the shape, such as a list of maps that hold nothing but scalars: reading the text
again takes five times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Copier = Callable[[], Any]


def copier(value: Any) -> Copier:
    """What makes copies of a JSON value, which nobody changes from now on."""
    if isinstance(value, dict):
        if all(map(_scalar, value.values())):
            return value.copy
        members = [(name, copier(one)) for name, one in value.items()]
        return lambda: {name: copied() for name, copied in members}
    if isinstance(value, list):
        if all(map(_scalar, value)):
            return value.copy
        if all(isinstance(one, dict) and all(map(_scalar, one.values())) for one in value):
            return lambda: [one.copy() for one in value]
        items = [copier(one) for one in value]
        return lambda: [copied() for copied in items]
    return lambda: value


def _scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)
