"""Rows as S3 Select writes them: CSV, or a JSON object a record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import orjson

from kumoi.services.s3.select.serialization import Output
from kumoi.services.s3.select.values import Kind

Row = Sequence[Any]


def writer(form: Output, names: Sequence[str], kinds: Sequence[Kind], *, records: bool) -> Callable[[Row], str]:
    """The function that writes a row; with `records`, its one column holds the record itself."""
    if form.form == "json":
        return _json_records(form, names) if records else _json(form, names, kinds)
    if records:
        return lambda row: _line(form, _fields_of(row[0]))
    return lambda row: _line(form, [_text(_plain(value, kind)) for value, kind in zip(row, kinds, strict=True)])


def _json(form: Output, names: Sequence[str], kinds: Sequence[Kind]) -> Callable[[Row], str]:
    def write(row: Row) -> str:
        told = {
            name: _wide(_plain(value, kind))
            for name, value, kind in zip(names, row, kinds, strict=True)
            if value is not None  # what is missing is not told
        }
        return _document(told) + form.newline

    return write


def _json_records(form: Output, names: Sequence[str]) -> Callable[[Row], str]:
    def write(row: Row) -> str:
        record = {} if row[0] is None else orjson.loads(row[0])
        return _document(record if isinstance(record, dict) else {names[0] or "_1": record}) + form.newline

    return write


def _plain(value: Any, kind: Kind) -> Any:
    """A value of DuckDB's as JSON has it."""
    if value is None:
        return None
    if kind == "json":
        return orjson.loads(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _document(value: Any) -> str:
    return orjson.dumps(value, default=_number).decode()


def _number(value: Any) -> Any:
    """Numbers that JSON's writer does not know."""
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError


def _wide(value: Any) -> Any:
    """A value that JSON's writer takes: it knows no whole numbers of more than 64 bits."""
    return orjson.Fragment(str(value).encode()) if isinstance(value, int) and abs(value) >= 2**63 else value


def _fields_of(record: str | None) -> list[str]:
    value = None if record is None else orjson.loads(record)
    if isinstance(value, dict):
        return [_text(one) for one in value.values()]
    return [_text(value)]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _document(value) if isinstance(value, dict | list) else str(value)


def _line(form: Output, fields: Sequence[str]) -> str:
    return form.delimiter.join([_quoted(form, field) for field in fields]) + form.newline


def _quoted(form: Output, field: str) -> str:
    special = (form.delimiter, form.quote, form.newline, "\n", "\r")
    if not form.always and not any(one in field for one in special):
        return field
    return form.quote + field.replace(form.quote, form.escape + form.quote) + form.quote
