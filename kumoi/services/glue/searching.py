"""What a search finds among tables, and in which order. Pure.

Source: "SearchTables" and "PropertyPredicate" of the Glue API reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kumoi.services.glue.errors import invalid

_TEXTS = ("Name", "DatabaseName", "Description", "Owner", "TableType", "CreatedBy")
_TIMES = ("CreateTime", "UpdateTime")
_BETWEEN_TOKENS = re.compile(r"[^0-9A-Za-z]+")


def finds(table: Mapping[str, Any], text: str | None, filters: Sequence[Mapping[str, str]]) -> bool:
    """Whether a table has the text somewhere (as a whole where it is quoted), and all that filters ask for.

    Raises InvalidInputException for a filter of a member that cannot be searched.
    """
    return (not text or _has(table, text)) and all(_fits(table, one) for one in filters)


def in_order(found: Sequence[Mapping[str, Any]], criteria: Sequence[Mapping[str, str]]) -> list[Mapping[str, Any]]:
    """Tables sorted by members, the first of the criteria before the others; InvalidInputException."""
    ordered = list(found)
    for one in reversed(criteria):
        name = one.get("FieldName")
        if name not in (*_TEXTS, *_TIMES):
            raise invalid(f"Tables cannot be sorted by {name}: {', '.join((*_TEXTS, *_TIMES))}.")
        empty: Any = "" if name in _TEXTS else 0.0
        ordered.sort(key=lambda table: table.get(name) or empty, reverse=one.get("Sort") == "DESC")
    return ordered


def _has(table: Mapping[str, Any], text: str) -> bool:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return any(value == text[1:-1] for value in _values(table))
    return any(text.lower() in value.lower() for value in _values(table))


def _values(table: Mapping[str, Any]) -> Iterator[str]:
    """All that is text about a table: names, descriptions, columns, parameters."""
    yield from (str(table[name]) for name in _TEXTS if table.get(name))
    for name, value in (table.get("Parameters") or {}).items():
        yield from (name, str(value))
    for column in (*((table.get("StorageDescriptor") or {}).get("Columns") or ()), *(table.get("PartitionKeys") or ())):
        yield from (str(column[name]) for name in ("Name", "Type", "Comment") if column.get(name))


def _fits(table: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    name, value = wanted.get("Key") or "", wanted.get("Value") or ""
    if name in _TIMES:
        return _compares(table[name], _moment(value), wanted.get("Comparator") or "EQUALS")
    if name not in _TEXTS:
        raise invalid(f"Tables cannot be filtered by {name}: {', '.join((*_TEXTS, *_TIMES))}.")
    has = str(table.get(name) or "")
    return value == has or value in _BETWEEN_TOKENS.split(has)


def _moment(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{text} is no time: 2026-01-31T12:00:00Z.") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _compares(has: float, wanted: float, how: str) -> bool:
    return {
        "EQUALS": has == wanted,
        "GREATER_THAN": has > wanted,
        "LESS_THAN": has < wanted,
        "GREATER_THAN_EQUALS": has >= wanted,
        "LESS_THAN_EQUALS": has <= wanted,
    }[how]
