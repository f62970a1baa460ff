"""Messages that a pipeline reads at once, by day: as JSON lines for a statement over all, or as payloads one by one.

Sealed messages go from Parquet to lines within DuckDB, without an object for each. All of this blocks.
"""

# ruff: noqa: S608  (the SQL is the lake's own)

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from kumoi.lake import Row
from kumoi.services.iotanalytics.channel_log import day_of, payload_of, payloads
from kumoi.services.iotanalytics.shapes import Lines, joined

if TYPE_CHECKING:
    import duckdb

_DAY = 86_400_000


class Messages:
    """The messages of a day, in both forms; each is made when it is asked for first."""

    def __init__(self, day: str, lines: Lines | None = None, payloads: list[bytes] | None = None) -> None:
        self.day = day
        self._lines = lines
        self._payloads = payloads

    def __len__(self) -> int:
        """How many there are."""
        return self._lines.count if self._lines is not None else len(self._payloads or ())

    def lines(self) -> Lines:
        """The messages as lines; Shapeless when one is several lines itself."""
        if self._lines is None:
            self._lines = joined(self._payloads or [])
        return self._lines

    def payloads(self) -> list[bytes]:
        """The messages one by one."""
        if self._payloads is None:
            self._payloads = self.lines().text.split(b"\n")[:-1]
        return self._payloads


def of_rows(rows: Sequence[Row]) -> list[Messages]:
    """Unsealed messages."""
    return [Messages(day, payloads=payloads(list(found))) for day, found in groupby(rows, _day_of_row)]


def of_sealed(cursor: duckdb.DuckDBPyConnection, arrivals: str) -> tuple[list[Messages], int]:
    """Sealed messages, and the time (epoch ms) of the last one, 0 when there are none."""
    days = cursor.execute(
        f'SELECT "time" // {_DAY} AS day, max("time"), count(*), bool_or(encoded) FROM ({arrivals}) '
        "GROUP BY day ORDER BY day"
    ).fetchall()
    return [_of_day(cursor, arrivals, day, count, encoded) for day, _, count, encoded in days], days[-1][
        1
    ] if days else 0


def _of_day(cursor: duckdb.DuckDBPyConnection, arrivals: str, day: int, count: int, encoded: bool) -> Messages:
    named = day_of(day * _DAY / 1000)
    rows = f'FROM ({arrivals}) WHERE "time" // {_DAY} = {day}'
    if not encoded:
        found = cursor.execute(f"SELECT string_agg(payload, chr(10)) {rows}").fetchone()
        text = found[0].encode() if found and found[0] is not None else b""
        if text.count(b"\n") == count - 1:
            return Messages(named, lines=Lines(text + b"\n", count))
    listed = cursor.execute(f"SELECT payload, encoded {rows}").fetchall()
    return Messages(named, payloads=[payload_of({"payload": one, "encoded": coded}) for one, coded in listed])


def _day_of_row(row: Row) -> str:
    return day_of(row["time"] / 1000)
