"""Messages that a pipeline reads at once, by day: unsealed ones as payloads, sealed ones as a SELECT.

Sealed messages go from Parquet to Parquet within DuckDB, without an object for each, where their shapes are known;
`payloads_of` has them one by one. What takes a cursor blocks.
"""

# ruff: noqa: S608  (the SQL is the lake's own)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from kumoi.lake import Row
from kumoi.services.iotanalytics.channel_log import day_of, payload_of, payloads

if TYPE_CHECKING:
    import duckdb

_DAY = 86_400_000


@dataclass(slots=True)
class Messages:
    """The messages of a day: payloads, or `rows` that have them.

    `shapes` names the shapes that they were checked against, none where that is not so for all of them; `quotes` are
    their quotation marks then.
    """

    day: str
    count: int
    payloads: list[bytes] | None = None
    rows: str = ""
    encoded: bool = False
    shapes: list[str] = field(default_factory=list)
    quotes: int = 0


def of_rows(rows: Sequence[Row]) -> list[Messages]:
    """Unsealed messages."""
    found = []
    for day, group in groupby(rows, lambda row: day_of(row["time"] / 1000)):
        listed = list(group)
        shapes = {row["shape"] for row in listed}
        told = [] if None in shapes else sorted(shapes)
        quotes = sum(row["quotes"] for row in listed) if told else 0
        found.append(Messages(day, len(listed), payloads(listed), shapes=told, quotes=quotes))
    return found


def of_sealed(cursor: duckdb.DuckDBPyConnection, arrivals: str) -> tuple[list[Messages], int]:
    """Sealed messages, and the time (epoch ms) of the last one, 0 when there are none."""
    days = cursor.execute(
        f'SELECT "time" // {_DAY} AS day, max("time"), count(*), bool_or(encoded), count(shape) = count(*), '
        f"list_sort(list(DISTINCT shape)), sum(quotes) FROM ({arrivals}) GROUP BY day ORDER BY day"
    ).fetchall()
    found = []
    for day, _, count, encoded, checked, shapes, quotes in days:
        rows = (
            f'SELECT payload, encoded FROM ({arrivals}) WHERE "time" // {_DAY} = {day}' if len(days) > 1 else arrivals
        )
        messages = Messages(day_of(day * _DAY / 1000), count, rows=rows, encoded=encoded)
        if checked and not encoded:
            messages.shapes, messages.quotes = shapes, int(quotes)
        found.append(messages)
    return found, days[-1][1] if days else 0


def payloads_of(cursor: duckdb.DuckDBPyConnection, messages: Messages) -> list[bytes]:
    """The payloads of messages."""
    if messages.payloads is not None:
        return messages.payloads
    if not messages.encoded:
        found = cursor.execute(f"SELECT string_agg(payload, chr(10)) FROM ({messages.rows})").fetchone()
        lines = (found[0] or "").encode().split(b"\n") if found else []
        if len(lines) == messages.count:
            return lines
    listed = cursor.execute(f"SELECT payload, encoded FROM ({messages.rows})").fetchall()
    return [payload_of({"payload": one, "encoded": coded}) for one, coded in listed]
