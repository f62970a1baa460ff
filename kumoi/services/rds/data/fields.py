"""The Data API's values: parameters to what SQLite binds, results to fields, columns to metadata. Pure rules.

Source: the RDS Data API reference ("SqlParameter", "Field", "ColumnMetadata", "ResultSetOptions").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from kumoi.services.rds.data.arrays import array_value, values
from kumoi.services.rds.data.failures import bad_request

Value = None | int | float | str | bytes

_JDBC = {
    "bool": -7,
    "int2": 5,
    "int4": 4,
    "int8": -5,
    "float4": 7,
    "float8": 8,
    "numeric": 2,
    "text": 12,
    "varchar": 12,
    "bpchar": 1,
    "date": 91,
    "time": 92,
    "timetz": 92,
    "timestamp": 93,
    "timestamptz": 93,
    "bytea": -2,
}
_OTHER = 1111
_ARRAY = 2003
_HINTS = {
    "DATE": re.compile(r"\d{4}-\d{2}-\d{2}"),
    "TIME": re.compile(r"\d{2}:\d{2}:\d{2}(\.\d+)?"),
    "TIMESTAMP": re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d+)?"),
    "UUID": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result: its label, and what is known of where it comes from."""

    label: str
    declared: str = ""
    table: str = ""
    name: str = ""

    @property
    def type(self) -> str:
        """PostgreSQL's name of the type; empty where the engine does not know."""
        first = self.declared.partition("(")[0].partition(" ")[0].strip('"')
        return "int4" if first == "INTEGER" else first

    @property
    def scale(self) -> int | None:
        """The digits after the point of a numeric, where declared."""
        found = re.search(r"\(\d+,\s*(\d+)\)", self.declared)
        return int(found[1]) if found else None


def bound(parameters: Sequence[Mapping[str, Any]]) -> dict[str, Value]:
    """SqlParameters by name, as SQLite binds them; BadRequestException for what cannot be."""
    values: dict[str, Value] = {}
    for one in parameters:
        name = one.get("name")
        if not name:
            raise bad_request("Named parameters must have a name.")
        values[name] = _value(name, one.get("value") or {}, one.get("typeHint"))
    return values


def _value(name: str, value: Mapping[str, Any], hint: str | None) -> Value:
    if len(value) != 1:
        raise bad_request(f"Parameter {name} must have exactly one value.")
    ((kind, content),) = value.items()
    if kind == "isNull":
        if not content:
            raise bad_request(f"isNull of parameter {name} must be true.")
        return None
    if kind == "arrayValue":
        raise bad_request("Array parameters are not supported.")
    if kind == "booleanValue":
        return int(content)
    if kind == "longValue" and not -(2**63) <= content < 2**63:
        raise bad_request(f"longValue of parameter {name} is out of range.")
    if kind == "stringValue" and hint is not None:
        return _hinted(name, content, hint)
    found: Value = content
    return found


def _hinted(name: str, text: str, hint: str) -> Value:
    if hint == "DECIMAL":
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise bad_request(f'ERROR: invalid input syntax for type numeric: "{text}"; SQLState: 22P02') from None
        if not number.is_finite():
            raise bad_request(f"Parameter {name} is not a finite number.")
        whole = number == number.to_integral_value() and abs(number) < 2**63
        return int(number) if whole else float(number)
    if hint == "JSON":
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            raise bad_request("ERROR: invalid input syntax for type json; SQLState: 22P02") from None
        return text
    pattern = _HINTS.get(hint)
    if pattern is not None and not pattern.fullmatch(text):
        raise bad_request(f"Parameter {name} does not have the format of its type hint {hint}.")
    return text


def field(value: Value, column: Column, *, decimals: str = "STRING", longs: str = "LONG") -> dict[str, Any]:
    """One value of a result."""
    if value is None:
        return {"isNull": True}
    kind = column.type
    if kind == "bool" and isinstance(value, int):
        return {"booleanValue": bool(value)}
    if kind == "numeric" and isinstance(value, int | float):
        if decimals == "DOUBLE_OR_LONG":
            return {"longValue": value} if isinstance(value, int) else {"doubleValue": value}
        return {"stringValue": _numeric(value, column.scale)}
    if isinstance(value, bytes):
        return {"blobValue": value}
    if kind.startswith("_"):
        return {"arrayValue": array_value(str(value), kind)}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, float) or kind in ("float4", "float8"):
        return {"doubleValue": float(value)}
    return {"stringValue": str(value)} if longs == "STRING" or kind in _TEXTUAL else {"longValue": value}


_TEXTUAL = frozenset(("text", "varchar", "bpchar", "json", "jsonb"))


def _numeric(value: float, scale: int | None) -> str:
    if scale is not None:
        return f"{Decimal(str(value)):.{scale}f}"
    return str(value) if isinstance(value, int) else f"{Decimal(repr(value)):f}"


def plain(value: Value, column: Column) -> Any:
    """One value of formattedRecords."""
    if isinstance(value, bytes):
        raise bad_request("formatRecordsAs JSON does not support binary columns.")
    if column.type == "bool" and isinstance(value, int):
        return bool(value)
    if column.type.startswith("_") and value is not None:
        return values(str(value), column.type)
    return value


def metadata(column: Column) -> dict[str, Any]:
    """ColumnMetadata."""
    kind = column.type
    numeric = kind in ("int2", "int4", "int8", "float4", "float8", "numeric")
    found = re.search(r"\((\d+)", column.declared)
    return {
        "name": column.label,
        "label": column.label,
        "tableName": column.table,
        "schemaName": "",
        "typeName": kind or "text",
        "type": _ARRAY if kind.startswith("_") else _JDBC.get(kind, _OTHER if kind else 12),
        "nullable": 1,
        "isSigned": numeric,
        "isCurrency": False,
        "isCaseSensitive": not numeric,
        "isAutoIncrement": False,
        "arrayBaseColumnType": _JDBC.get(kind[1:], _OTHER) if kind.startswith("_") else 0,
        "precision": int(found[1]) if found else 0,
        "scale": column.scale or 0,
    }
