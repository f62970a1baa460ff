"""Values in DuckDB's SQL, with what is known of their kind, and the ways from one kind to another.

A column of a CSV file is text that may mean a number; a member of a JSON document may be anything. Where a query
compares or computes, both sides become what the other one is: text that is no number is then nothing (NULL).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["text", "number", "bool", "time", "json"]


class Value(NamedTuple):
    """An expression of DuckDB's. `null` is whether it is NULL itself."""

    sql: str
    kind: Kind
    null: bool = False


NULL = Value("NULL", "text", null=True)


def quoted(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def name(text: str) -> str:
    """A quoted identifier."""
    return '"' + text.replace('"', '""') + '"'


def as_text(value: Value) -> str:
    """The value as VARCHAR."""
    if value.kind == "text":
        return value.sql
    if value.kind == "json":
        return f"json_extract_string({value.sql}, '$')"
    if value.kind == "time":
        return f"strftime({value.sql}, '%Y-%m-%dT%H:%M:%S.%gZ')"
    return f"CAST({value.sql} AS VARCHAR)"


def as_number(value: Value) -> str:
    """The value as a number."""
    if value.kind == "number":
        return value.sql
    return f"TRY_CAST({as_text(value)} AS DOUBLE)"


def as_bool(value: Value) -> str:
    """The value as BOOLEAN."""
    return value.sql if value.kind == "bool" else f"TRY_CAST({as_text(value)} AS BOOLEAN)"


def as_time(value: Value) -> str:
    """The value as TIMESTAMP in UTC; years and months alone, as `2017T`, begin with their first day."""
    if value.kind == "time":
        return value.sql
    text = as_text(value)
    for pattern, rest in ((r"^(\d{4})T$", r"\1-01-01"), (r"^(\d{4}-\d{2})T$", r"\1-01"), (r"T$", "")):
        text = f"regexp_replace({text}, {quoted(pattern)}, {quoted(rest)})"
    return f"CAST(CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP)"


def as_kind(value: Value, kind: Kind) -> str:
    """The value as another kind."""
    return {"text": as_text, "json": as_text, "number": as_number, "bool": as_bool, "time": as_time}[kind](value)


def together(*values: Value) -> Kind:
    """The kind that values are compared in, or that they all become."""
    kinds = {value.kind for value in values if not value.null}
    for kind in ("time", "number", "bool"):
        if kind in kinds:
            return kind
    return "json" if kinds == {"json"} else "text"


def compared(left: Value, operator: str, right: Value) -> Value:
    """A comparison; of two members of documents, as numbers where both are."""
    kind = together(left, right)
    if kind != "json":
        return Value(f"({as_kind(left, kind)} {operator} {as_kind(right, kind)})", "bool")
    both = " AND ".join(f"json_type({one.sql}) IN ('BIGINT', 'UBIGINT', 'DOUBLE')" for one in (left, right))
    numbers = f"{as_number(left)} {operator} {as_number(right)}"
    return Value(f"(CASE WHEN {both} THEN {numbers} ELSE {as_text(left)} {operator} {as_text(right)} END)", "bool")
