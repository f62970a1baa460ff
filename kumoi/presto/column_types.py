"""Types of columns: read from Hive's notation, inferred from JSON, united over segments, written for DuckDB. Pure.

A type is a structure as DuckDB's JSON functions have it: a name (`"BIGINT"`), a list of one type for arrays, a mapping
for structs; a map is `{MAP: [key, value]}`. Names of members are lower-case: Presto's SQL does not tell case apart.
Source: Hive's language manual, "Types"; the IoT Analytics user guide on data stores.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

Type = Any

MAP = "MAP"
"""No name of a member: those are lower-case."""
UNKNOWN = "NULL"
"""The type of a column that only ever was null."""
MAX_DEPTH = 100

_PLAIN = {
    "string": "VARCHAR",
    "char": "VARCHAR",
    "varchar": "VARCHAR",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "binary": "BLOB",
}
_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[<>(),:]|\d+)")


class ColumnTypeError(ValueError):
    """A text is no column type; says why."""


def hive_type(text: str) -> Type:
    """The type that Hive's notation means, `array<struct<a:int>>`; ColumnTypeError when it means none."""
    tokens = []
    place = 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ColumnTypeError(f"{text[place:]!r} cannot be read")
        tokens.append(match[1])
        place = match.end()
    found, rest = _type(tokens, 0)
    if rest:
        raise ColumnTypeError(f"nothing may follow, but there is {''.join(rest)!r}")
    return found


def _type(tokens: list[str], depth: int) -> tuple[Type, list[str]]:
    if depth > MAX_DEPTH:
        raise ColumnTypeError(f"it is nested more than {MAX_DEPTH} deep")
    if not tokens:
        raise ColumnTypeError("a type is missing")
    name, rest = tokens[0].lower(), tokens[1:]
    if name in ("char", "varchar") and rest[:1] == ["("]:
        return "VARCHAR", _expect(rest[2:], ")")
    if name in _PLAIN:
        return _PLAIN[name], rest
    if name == "decimal":
        return _decimal(rest)
    if name == "array":
        inner, rest = _type(_expect(rest, "<"), depth + 1)
        return [inner], _expect(rest, ">")
    if name == "map":
        key, rest = _type(_expect(rest, "<"), depth + 1)
        value, rest = _type(_expect(rest, ","), depth + 1)
        return {MAP: [key, value]}, _expect(rest, ">")
    if name == "struct":
        return _struct(_expect(rest, "<"), depth)
    raise ColumnTypeError(f"there is no type {tokens[0]}")


def _decimal(rest: list[str]) -> tuple[Type, list[str]]:
    if rest[:1] != ["("]:
        return "DECIMAL(10, 0)", rest
    end = rest.index(")") if ")" in rest else 0
    digits = [one for one in rest[1:end] if one != ","]
    if len(digits) not in (1, 2) or not all(one.isdecimal() and len(one) < 3 for one in digits):
        raise ColumnTypeError("a decimal is written decimal(precision, scale)")
    precision, scale = int(digits[0]), int(digits[1]) if len(digits) > 1 else 0
    if not 1 <= precision <= 38 or scale > precision:
        raise ColumnTypeError("a decimal has 1 to 38 digits, and no more of them after the point")
    return f"DECIMAL({precision}, {scale})", rest[end + 1 :]


def _struct(rest: list[str], depth: int) -> tuple[Type, list[str]]:
    members: dict[str, Type] = {}
    while True:
        name, rest = (rest[0], rest[1:]) if rest else ("", [])
        if not re.fullmatch(r"\w+", name):
            raise ColumnTypeError("a struct is written struct<name:type,…>")
        inner, rest = _type(_expect(rest, ":"), depth + 1)
        members[name.lower()] = inner
        if rest[:1] != [","]:
            return members, _expect(rest, ">")
        rest = rest[1:]


def _expect(tokens: list[str], token: str) -> list[str]:
    if tokens[:1] != [token]:
        raise ColumnTypeError(f"{token!r} is missing")
    return tokens[1:]


def inferred(structure: Type) -> Type:
    """The type for what DuckDB's json_group_structure found; members that differ in case alone become one."""
    if isinstance(structure, list):
        return [inferred(structure[0])]
    if isinstance(structure, dict):
        members: dict[str, Type] = {}
        for name, inner in structure.items():
            key = name.lower()
            members[key] = united(members[key], inferred(inner)) if key in members else inferred(inner)
        return members
    return {"UBIGINT": "BIGINT", "HUGEINT": "BIGINT", "UHUGEINT": "DOUBLE", "JSON": "VARCHAR"}.get(structure, structure)


_WIDTHS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE")


def united(left: Type, right: Type) -> Type:
    """The type that values of both types have: the wider number, structs with the members of both, else text."""
    if left == right or right == UNKNOWN:
        return left
    if left == UNKNOWN:
        return right
    if isinstance(left, list) and isinstance(right, list):
        return [united(left[0], right[0])]
    if isinstance(left, dict) and isinstance(right, dict) and MAP not in left and MAP not in right:
        both = {name: united(left[name], right[name]) for name in left if name in right}
        return {**left, **right, **both}
    if left in _WIDTHS and right in _WIDTHS:
        return max(left, right, key=_WIDTHS.index)
    if {left, right} == {"DATE", "TIMESTAMP"} if isinstance(left, str) and isinstance(right, str) else False:
        return "TIMESTAMP"
    return "VARCHAR"


def united_columns(tables: Sequence[Mapping[str, Type]]) -> dict[str, Type]:
    """The columns of several tables, each with the type that it has in all of them."""
    columns: dict[str, Type] = {}
    for table in tables:
        for name, kind in table.items():
            columns[name] = united(columns[name], kind) if name in columns else kind
    return columns


def type_text(kind: Type) -> str:
    """A type as DuckDB's SQL has it."""
    if isinstance(kind, list):
        return f"{type_text(kind[0])}[]"
    if isinstance(kind, dict):
        if MAP in kind:
            return f"MAP({', '.join(map(type_text, kind[MAP]))})"
        return f"STRUCT({', '.join(f'{quoted(name)} {type_text(one)}' for name, one in kind.items())})"
    return "VARCHAR" if kind == UNKNOWN else str(kind)


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
