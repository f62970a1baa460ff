"""Values as Athena writes them into CSV: doubles as Java prints them, arrays `[1, 2]`, rows `{a=1, b=2}`. SQL text.

Source: Athena user guide, "Working with query results", and recorded result files.
"""

from __future__ import annotations

from kumoi.presto.column_types import quoted
from kumoi.presto.database import text_literal


def as_text(value: str, kind: object) -> str:
    """SQL for a value of DuckDB type `kind` as text; NULL stays NULL."""
    name = str(getattr(kind, "id", kind)).lower()
    children = getattr(kind, "children", []) if name in ("list", "array", "struct", "map") else []
    if name in ("double", "float"):
        return f"java_double(CAST({value} AS DOUBLE))"
    if name.startswith("timestamp"):
        return f"strftime(CAST({value} AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%g')"
    if name == "blob":
        return f"trim(regexp_replace(lower(hex({value})), '(..)', '\\1 ', 'g'))"
    if name in ("list", "array"):
        inner = _within("e", children[0][1])
        return _null(value, f"'[' || array_to_string(list_transform({value}, lambda e: {inner}), ', ') || ']'")
    if name == "struct":
        members = [
            f"{text_literal(f'{member}=')} || {_within(f'({value}).{quoted(member)}', inner)}"
            for member, inner in children
        ]
        return _null(value, "'{' || " + " || ', ' || ".join(members) + " || '}'")
    if name == "map":
        key, inner = (_within(f"e.{side}", one[1]) for side, one in zip(("key", "value"), children, strict=True))
        pairs = f"list_transform(map_entries({value}), lambda e: {key} || '=' || {inner})"
        return _null(value, f"'{{' || array_to_string({pairs}, ', ') || '}}'")
    return f"CAST({value} AS VARCHAR)"


def _within(value: str, kind: object) -> str:
    return f"coalesce({as_text(value, kind)}, 'null')"


def _null(value: str, text: str) -> str:
    return f"CASE WHEN {value} IS NULL THEN NULL ELSE {text} END"
