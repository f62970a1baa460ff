"""Values of templates: which there are, and how they are written, as Java's `toString` does.

None, booleans, numbers, texts, lists and mappings are Python's. `Object` is what a host gives to templates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from kumoi.vtl.errors import LimitExceeded

_DEEPEST = 64
_SMALL = frozenset((int, float, bool, type(None)))


class JsonList(list[Any]):
    """A list that is written as JSON: what JSON paths answer."""


class Object:
    """A thing of the host: properties by name, methods by name (called with a template's values), and its text."""

    __slots__ = ("methods", "properties", "text")

    def __init__(
        self,
        properties: Mapping[str, Any] | None = None,
        methods: Mapping[str, Callable[..., Any]] | None = None,
        text: str = "",
    ) -> None:
        self.properties = properties or {}
        self.methods = methods or {}
        self.text = text


class Entry(Object):
    """A key of a map with its value."""

    __slots__ = ()

    def __init__(self, key: Any, value: Any) -> None:
        super().__init__({"key": key, "value": value}, {"getKey": lambda: key, "getValue": lambda: value})


def weight(value: Any, most: int) -> int:
    """How many values are within one, each as often as it is held, 64 characters of a text as one; past `most`, any.

    Few steps can make lists of lists that hold one another millions of times: this is what comparing or writing costs.
    """
    found = 0
    waiting: list[list[Any] | tuple[Any, ...]] = [[value]]
    while waiting:
        within = waiting.pop()
        found += len(within)
        if found > most:
            break
        for one in within:
            kind = type(one)
            if kind is str:
                if len(one) > 63:
                    found += len(one) >> 6
            elif kind in _SMALL:
                pass
            elif isinstance(one, Entry):
                waiting.append(list(one.properties.values()))
            elif isinstance(one, dict):
                found += len(one) >> 3
                waiting.append([*one, *one.values()])
            elif isinstance(one, list | tuple):
                found += len(one) >> 3
                waiting.append(one)
            elif isinstance(one, str):
                found += len(one) >> 6
    return found


def text_of(value: Any, most: int) -> str:
    """A value as text; raises LimitExceeded where that is longer than `most`."""
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    pieces: list[str] = []
    _write(value, pieces, [most], 0)
    return "".join(pieces)


def _write(value: Any, pieces: list[str], left: list[int], depth: int) -> None:
    if depth > _DEEPEST:
        raise LimitExceeded("a value nests too deep to be written")
    if isinstance(value, JsonList):
        _put(_json(value), pieces, left)
    elif isinstance(value, Entry):
        _write(value.properties["key"], pieces, left, depth + 1)
        _put("=", pieces, left)
        _write(value.properties["value"], pieces, left, depth + 1)
    elif isinstance(value, list | tuple | range):
        _put("[", pieces, left)
        for number, one in enumerate(value):
            if number:
                _put(", ", pieces, left)
            _write(one, pieces, left, depth + 1)
        _put("]", pieces, left)
    elif isinstance(value, dict):
        _put("{", pieces, left)
        for number, (key, one) in enumerate(value.items()):
            _put(f"{', ' if number else ''}{_plain(key)}=", pieces, left)
            _write(one, pieces, left, depth + 1)
        _put("}", pieces, left)
    else:
        _put(_plain(value), pieces, left)


def _put(text: str, pieces: list[str], left: list[int]) -> None:
    left[0] -= len(text)
    if left[0] < 0:
        raise LimitExceeded("a value is too long to be written")
    pieces.append(text)


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float):
        return double(value)
    return value.text if isinstance(value, Object) else str(value)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        raise LimitExceeded("a value nests too deep to be written") from None


def double(value: float) -> str:
    """A number with a fraction, as `Double.toString` writes it."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0.0" if str(value).startswith("-") else "0.0"
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    assert isinstance(exponent, int)
    figures = "".join(map(str, digits)).rstrip("0") or "0"
    point = len(digits) + exponent
    if -3 < point <= 7:
        whole, rest = (
            ("0", "0" * -point + figures) if point <= 0 else (figures[:point].ljust(point, "0"), figures[point:])
        )
        written = f"{whole}.{rest or '0'}"
    else:
        written = f"{figures[0]}.{figures[1:] or '0'}E{point - 1}"
    return f"-{written}" if sign else written
