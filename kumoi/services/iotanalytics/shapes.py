"""What messages look like: the attributes they may have, each with one type. Pure.

A shape is found in messages once and then holds for those that follow: they are checked against it, which takes a
tenth of the time that finding it takes, and DuckDB reads them by it. A check that succeeds says that every message is
a JSON object with attributes of these names and types, each at most once, none of them null; so DuckDB, which reads
a good deal that is no JSON, and converts what is of another type, reads just what is there. Attributes may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import orjson

from kumoi.presto.column_types import Type, quoted, type_text, united

MOST_ATTRIBUTES, MOST_DEPTH = 500, 20
AT_ONCE = 1 << 20
"""Bytes checked in one go, which no other thread can interrupt."""
_WHOLE = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_PLAIN: Mapping[str, Any] = {"BIGINT": _WHOLE, "DOUBLE": float, "VARCHAR": str, "BOOLEAN": bool}


class Shapeless(Exception):
    """Messages have no one shape, or are not of the one that they should have."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Messages as JSON lines, and how many there are."""

    text: bytes
    count: int


@dataclass(frozen=True, slots=True)
class Checked:
    """Messages of a known shape, as lines or as the column `payload` of a SELECT: how many, and how many quotes."""

    rows: Lines | str
    shape: Shape
    count: int
    quotes: int


class Shape:
    """The attributes of messages and their types: BIGINT, DOUBLE, VARCHAR, BOOLEAN, structs and lists of such.

    Names are spelled as the messages spell them.
    """

    def __init__(self, types: Mapping[str, Type]) -> None:
        if not types or _size(types) > MOST_ATTRIBUTES or not _distinct(types):
            raise Shapeless
        self.types = dict(types)
        try:
            self._check = msgspec.json.Decoder(_checking(self.types)).decode_lines
        except ValueError:  # a name that msgspec does not take, such as one with a quotation mark
            raise Shapeless from None

    def check(self, lines: Lines) -> None:
        """Shapeless when a message is not of this shape; that no name comes twice is left to count, by `quotes`."""
        if b"\r" in lines.text:
            raise Shapeless
        try:
            found = sum(len(self._check(piece)) for piece in _pieces(lines.text))
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Shapeless from None
        if found != lines.count:
            raise Shapeless

    def columns(self) -> str:
        """The attributes as read_json wants to have them told."""
        told = (f"{_text(name)}: {_text(_spelled(kind))}" for name, kind in self.types.items())
        return f"{{{', '.join(told)}}}"

    def structure(self) -> str:
        """The attributes as json_transform wants to have them told."""
        return _text(orjson.dumps(self.types).decode())

    def quotes(self) -> str:
        """SQL for the quotation marks that the rows of a table of this shape take up in JSON."""
        return " + ".join(_quotes(quoted(name), kind) for name, kind in self.types.items())


def shape_of(lines: Lines, known: Shape | None = None) -> Shape:
    """The shape of messages, and of earlier ones; Shapeless when they have none."""
    types: Any = None if known is None else known.types
    for line in lines.text.split(b"\n")[:-1]:
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError:
            raise Shapeless from None
        if not isinstance(message, dict):
            raise Shapeless
        types = _widened(types, message, 0)
    if types is None:
        raise Shapeless
    return Shape(types)


def merged(left: Any, right: Any) -> Any:
    """The types of two shapes together; Shapeless where an attribute has several."""
    if isinstance(left, dict) and isinstance(right, dict):
        both = {name: merged(left[name], right[name]) for name in left if name in right}
        return {**left, **right, **both}
    if isinstance(left, list) and isinstance(right, list):
        return [merged(left[0], right[0])]
    if left == right:
        return left
    if left in _NUMBERS and right in _NUMBERS:
        return "DOUBLE"
    raise Shapeless


def quotes_in(text: bytes) -> int:
    """The quotation marks in JSON but for those within texts."""
    count = text.count(b'"')
    if b"\\" in text:
        count -= text.replace(b"\\\\", b"").count(b'\\"')
    return count


def joined(payloads: Sequence[bytes]) -> Lines:
    """Payloads as lines; Shapeless when one is several lines itself."""
    text = b"\n".join(payloads)
    if text.count(b"\n") != len(payloads) - 1:
        raise Shapeless
    return Lines(text + b"\n", len(payloads))


def together(parts: Sequence[Lines]) -> Lines:
    """Lines one after the other."""
    return Lines(b"".join([part.text for part in parts]), sum(part.count for part in parts))


def first(lines: Lines, count: int) -> Lines:
    """The first of lines."""
    if lines.count <= count:
        return lines
    return Lines(b"\n".join(lines.text.split(b"\n", count)[:count]) + b"\n", count)


def halves(lines: Lines) -> tuple[Lines, Lines]:
    """Lines in two parts."""
    each = lines.text.split(b"\n")[:-1]
    half = lines.count // 2
    one, other = (Lines(b"".join([line + b"\n" for line in part]), len(part)) for part in (each[:half], each[half:]))
    return one, other


def _pieces(text: bytes) -> Iterator[memoryview]:
    view, start = memoryview(text), 0
    while start < len(text):
        end = text.find(b"\n", start + AT_ONCE) + 1 or len(text)
        yield view[start:end]
        start = end


def _widened(known: Any, value: Any, depth: int) -> Type:
    """The type that a value has, and what was known before."""
    kind = type(value)
    if kind is dict:
        if depth > MOST_DEPTH or (known is not None and not isinstance(known, dict)):
            raise Shapeless
        if len(value) > MOST_ATTRIBUTES:
            raise Shapeless
        found: dict[str, Type] = known if known is not None else {}
        wider: dict[str, Type] = {}
        for name, inner in value.items():
            before = found.get(name)
            if before is None or _KINDS.get(type(inner)) != before:
                wider[name] = _widened(before, inner, depth + 1)
        if wider:
            found = {**found, **wider}
        if len(found) > MOST_ATTRIBUTES:
            raise Shapeless
        return found
    if kind is list:
        if depth > MOST_DEPTH or (known is not None and not isinstance(known, list)):
            raise Shapeless
        inner = None if known is None else known[0]
        for one in value:
            inner = _widened(inner, one, depth + 1)
        if inner is None:
            raise Shapeless
        return [inner]
    plain = _KINDS.get(kind)
    if plain is None or not (known in (None, plain) or (plain in _NUMBERS and known in _NUMBERS)):
        raise Shapeless
    return plain if known is None else united(known, plain)


_NUMBERS = ("BIGINT", "DOUBLE")
_KINDS: Mapping[type, str] = {int: "BIGINT", float: "DOUBLE", str: "VARCHAR", bool: "BOOLEAN"}


def _size(types: Mapping[str, Type]) -> int:
    return sum(_size(kind) if isinstance(kind, dict) else 1 for kind in types.values())


def _distinct(kind: Type) -> bool:
    """Whether names differ in more than case, at every level, and no name and nothing else is empty."""
    if isinstance(kind, list):
        return _distinct(kind[0])
    if not isinstance(kind, dict):
        return True
    return (
        bool(kind)
        and "" not in kind
        and len({name.lower() for name in kind}) == len(kind)
        and all(map(_distinct, kind.values()))
    )


def _checking(kind: Type) -> Any:
    """A type as msgspec checks it."""
    if isinstance(kind, list):
        return list[_checking(kind[0])]  # type: ignore[misc]
    if isinstance(kind, dict):
        members = [
            (f"f{number}", _checking(inner) | msgspec.UnsetType, msgspec.field(default=msgspec.UNSET, name=name))
            for number, (name, inner) in enumerate(kind.items())
        ]
        return msgspec.defstruct("Shape", members, forbid_unknown_fields=True, gc=False)
    return _PLAIN[kind]


def _spelled(kind: Type) -> str:
    if isinstance(kind, list):
        return f"{_spelled(kind[0])}[]"
    if isinstance(kind, dict):
        return f"STRUCT({', '.join(f'{quoted(name)} {_spelled(inner)}' for name, inner in kind.items())})"
    return type_text(kind)


def _quotes(sql: str, kind: Type) -> str:
    """Two for the name, and those of the value; of a struct those of its members."""
    if isinstance(kind, list):
        return f"2 * count({sql}) + coalesce(sum({_within(sql, kind, 0)}), 0)"
    if isinstance(kind, dict):
        inner = " + ".join(_quotes(f"({sql}).{quoted(name)}", one) for name, one in kind.items())
        return f"2 * count({sql}) + {inner}"
    return f"{4 if kind == 'VARCHAR' else 2} * count({sql})"


def _within(sql: str, kind: Type, depth: int) -> str:
    """The quotation marks of one value."""
    if isinstance(kind, list):
        each = _within(f"e{depth}", kind[0], depth + 1)
        return f"coalesce(list_sum(list_transform({sql}, lambda e{depth}: {each})), 0)"
    if isinstance(kind, dict):
        members = [(f"({sql}).{quoted(name)}", one) for name, one in kind.items()]
        return " + ".join(
            f"CASE WHEN {inner} IS NULL THEN 0 ELSE 2 + {_within(inner, one, depth)} END" for inner, one in members
        )
    return "2" if kind == "VARCHAR" else "0"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
