"""PostgreSQL's arrays: texts such as `{a,"b c",NULL}`, which is also how SQLite holds them. Pure.

Source: chapter "Arrays" of PostgreSQL's manual. Arrays of arrays are held and told as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from kumoi.services.rds.data.values import BadValue

_ELEMENT = re.compile(r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^{}",\\]+))\s*', re.DOTALL)
_PLAIN = re.compile(r"[^\s{}\",\\]+")
_VALUES: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("_int2", "_int4", "_int8"), int),
    **dict.fromkeys(("_float4", "_float8"), float),
    "_bool": lambda text: text in ("t", "true"),
}
_MEMBERS = {int: "longValues", float: "doubleValues", bool: "booleanValues"}


def elements(text: str) -> list[str | None]:
    """The elements of an array, as texts; raises BadValue for what is none."""
    stripped = text.strip()
    if not (stripped.startswith("{") and stripped.endswith("}")):
        raise _malformed(text)
    inside, at, found = stripped[1:-1], 0, list[str | None]()
    while inside.strip() and at <= len(inside):
        match = _ELEMENT.match(inside, at)
        if match is None or (match.end() < len(inside) and inside[match.end()] != ","):
            raise _malformed(text)
        quoted, plain = match["quoted"], match["plain"]
        word = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL) if quoted is not None else plain.strip()
        found.append(None if quoted is None and word.upper() == "NULL" else word)
        at = match.end() + 1
    return found


def written(values: Sequence[Any]) -> str:
    """An array of these elements."""
    return "{" + ",".join(map(_written, values)) + "}"


def values(text: str, kind: str) -> list[Any]:
    """The elements as values; `kind` is the array's type, such as `_int4`."""
    convert = _VALUES.get(kind, str)
    return [None if one is None else convert(one) for one in elements(text)]


def array_value(text: str, kind: str) -> dict[str, list[Any]]:
    """An array as the Data API answers it."""
    found = [one for one in values(text, kind) if one is not None]
    member = _MEMBERS.get(type(found[0]) if found else str, "stringValues")
    return {member: found}


def checked(text: Any) -> Any:
    """The text of an array; raises BadValue for what is none. Arrays of arrays are taken as they are."""
    if text is not None and not str(text).lstrip().startswith("{{"):
        elements(str(text))
    return text


def contains(text: Any, wanted: Any) -> int | None:
    """`@>`: whether every element of one array is among those of another."""
    if text is None or wanted is None:
        return None
    held = set(elements(text))
    return int(all(one in held for one in elements(wanted)))


def overlaps(text: Any, other: Any) -> int | None:
    """`&&`: whether two arrays share an element."""
    return None if text is None or other is None else int(not set(elements(text)).isdisjoint(elements(other)))


def has(text: Any, value: Any) -> int | None:
    """`value = ANY(array)`."""
    return None if text is None or value is None else int(str(value) in elements(text))


def length(text: Any) -> int | None:
    """How many elements there are; NULL of an empty array, as PostgreSQL has it."""
    return None if text is None else len(elements(text)) or None


def joined(left: Any, right: Any) -> str | None:
    """`||`: two arrays, or an array and an element, as one."""
    if left is None and right is None:
        return None
    parts = [elements(one) if str(one).startswith("{") else [str(one)] for one in (left, right) if one is not None]
    return written([one for part in parts for one in part])


def place(text: str, value: Any) -> int | None:
    """Where an element is, from 1 on; none where it is not."""
    held, wanted = elements(text), None if value is None else str(value)
    return held.index(wanted) + 1 if wanted in held else None


def to_text(text: str, delimiter: str, null: str | None) -> str:
    """The elements with a delimiter between them; those that are NULL are left out unless they have a text."""
    held = [null if one is None else one for one in elements(text)]
    return delimiter.join(one for one in held if one is not None)


def split(text: str, delimiter: str | None) -> list[str]:
    """A text taken apart at a delimiter; into characters at none."""
    return list(text) if delimiter is None else text.split(delimiter) if delimiter and text else [text] if text else []


def to_json(text: Any, kind: str) -> str | None:
    """An array as JSON."""
    return None if text is None else orjson.dumps(values(text, kind)).decode()


def from_json(text: Any) -> str | None:
    """An array of a JSON array's values."""
    return None if text is None else written(orjson.loads(text))


def _written(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value)
    if _PLAIN.fullmatch(text) and text.upper() != "NULL":
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _malformed(text: str) -> BadValue:
    return BadValue(f'ERROR: malformed array literal: "{text}"; SQLState: 22P02')


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "kumoi_array": checked,
    "kumoi_is_array": lambda text: checked(text) is text,
    "kumoi_array_of": lambda *given: written(given),
    "kumoi_array_append": lambda text, value: written([*(elements(text) if text is not None else []), value]),
    "kumoi_array_remove": lambda text, value: (
        None
        if text is None
        else written([one for one in elements(text) if one != (None if value is None else str(value))])
    ),
    "kumoi_array_contains": contains,
    "kumoi_array_join": joined,
    "kumoi_array_place": lambda text, value: None if text is None else place(text, value),
    "kumoi_array_text": lambda text, delimiter, null=None: None if text is None else to_text(text, delimiter, null),
    "kumoi_array_split": lambda text, delimiter: None if text is None else written(split(text, delimiter)),
    "kumoi_array_size": lambda text: None if text is None else len(elements(text)),
    "kumoi_array_overlaps": overlaps,
    "kumoi_array_has": has,
    "kumoi_array_length": length,
    "kumoi_array_json": to_json,
    "kumoi_array_from_json": from_json,
}
"""What statements with arrays call."""
