"""What rows of a data store are partitioned by: attributes, and times of attributes in a format. Pure SQL text.

Source: the API reference, "DatastorePartition". Formats are Java's (`yyyy-MM-dd HH:mm:ss`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kumoi.presto.column_types import Type, quoted
from kumoi.presto.database import text_literal
from kumoi.presto.joda import strftime_pattern

DEFAULT_FORMAT = "yyyy-MM-dd"


def partition_columns(partitions: Mapping[str, Any] | None, types: Mapping[str, Type]) -> dict[str, str]:
    """For each partition its name and the SQL of its value as text; attributes that no row has are NULL."""
    found: dict[str, str] = {}
    for partition in (partitions or {}).get("partitions", []):
        ((kind, settings),) = partition.items()
        name = settings["attributeName"].lower()
        if name not in types:
            found[name] = "CAST(NULL AS VARCHAR)"
        elif kind == "attributePartition":
            found[name] = f"CAST({quoted(name)} AS VARCHAR)"
        else:
            pattern = strftime_pattern(settings.get("timestampFormat", DEFAULT_FORMAT))
            found[name] = f"strftime({_moment(name, types[name])}, {text_literal(pattern)})"
    return found


def _moment(name: str, kind: Type) -> str:
    """A column as a time: numbers are epoch seconds, or milliseconds when they are that large; NULL is no time."""
    column = quoted(name)
    if kind in ("BIGINT", "INTEGER", "DOUBLE"):
        seconds = f"CASE WHEN {column} > 1e11 THEN {column} / 1000.0 ELSE {column} END"
        return f"TRY(CAST(to_timestamp({seconds}) AS TIMESTAMP))"
    return f"TRY_CAST({column} AS TIMESTAMP)"
