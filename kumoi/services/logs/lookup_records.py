"""Lookup tables: CSV that queries enrich events with. What describes one and its content are kept apart.

Times are epoch ms. Source: CreateLookupTable of the API reference, "lookup" of the user guide.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import orjson

from kumoi.insights.plan import LookupTable as Table
from kumoi.insights.syntax import Lookup, Query
from kumoi.names import arn
from kumoi.services.logs.rules import invalid
from kumoi.state import State, Transaction, transactional
from kumoi.state.space import Space

MOST_BYTES = 10 << 20
MOST_FIELDS = 1_000


class LookupTable(msgspec.Struct, frozen=True, kw_only=True):
    """What describes a table: its columns in order, its rows' number, its size in bytes."""

    name: str
    description: str | None = None
    fields: list[str]
    records: int
    size: int
    kms_key: str | None = None
    tags: dict[str, str] = {}
    updated: int

    def arn(self, account: str, region: str) -> str:
        """Its ARN."""
        return arn("logs", region, account, f"lookup-table:{self.name}")


class LookupBody(msgspec.Struct, frozen=True):
    """A table's content: the CSV as it was uploaded."""

    name: str
    csv: str


lookup_tables: Space[LookupTable] = Space("logs.lookup_table", LookupTable, lambda one: (one.name,))
lookup_bodies: Space[LookupBody] = Space("logs.lookup_body", LookupBody, lambda one: (one.name,))


class Content(NamedTuple):
    """A CSV read: the names of its columns, how many rows it has, and those as JSON, each a list as long as that."""

    fields: list[str]
    records: int
    rows: str


def read(body: str) -> Content:
    """A table's CSV; InvalidParameterException when it is none, or too large. Slow for large ones.

    Values that short rows lack count as if they were there: few bytes could stand for billions of them.
    """
    if len(body.encode(errors="replace")) > MOST_BYTES:
        raise invalid("The content of a lookup table must not exceed 10 MB.")
    try:
        lines = filter(None, csv.reader(io.StringIO(body.removeprefix("\ufeff")), strict=True))
        header = next(lines)
        _check_header(header)
        number, rows = 1, bytearray()
        for number, row in enumerate(lines, 2):
            if len(row) > len(header):
                raise invalid(f"Row {number} has {len(row)} values, more than the header's {len(header)}.")
            if number * len(header) > MOST_BYTES:
                raise invalid(f"The content of a lookup table must not exceed {MOST_BYTES:,} values.")
            rows += b"," + orjson.dumps(row + [""] * (len(header) - len(row)))
    except (csv.Error, StopIteration, orjson.JSONEncodeError):
        raise invalid("The content of a lookup table must be CSV with a header row.") from None
    return Content(header, number - 1, f"[{rows[1:].decode()}]")


def _check_header(header: Sequence[str]) -> None:
    if not all(name.strip() for name in header) or len(set(header)) < len(header) or len(header) > MOST_FIELDS:
        raise invalid(f"The header row must name up to {MOST_FIELDS} columns, each by a name of its own.")


def written(fields: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """Rows as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows([row.get(field, "") for field in fields] for row in rows)
    return out.getvalue()


def looked_up(query: Query) -> Iterator[str]:
    """The tables that a query and those within it name."""
    for one in query.all():
        yield from (command.table for command in one.commands if isinstance(command, Lookup))


def as_table(body: str) -> Table:
    """A table's CSV as queries read it."""
    content = read(body)
    return Table(tuple(content.fields), content.rows)


async def tables_of(state: State, text: str) -> dict[str, Table]:
    """The tables that a query's text names, of those that there are; Malformed when it is no query."""
    if "lookup" not in text.lower():
        return {}
    from kumoi.insights.parsing import parse

    names = await asyncio.to_thread(lambda: list(looked_up(parse(text))))
    found = await bodies(state, names) if names else {}
    return {name: await asyncio.to_thread(as_table, body) for name, body in found.items()}


@transactional
async def bodies(tx: Transaction, names: Sequence[str]) -> dict[str, str]:
    """The content of tables by name, of those that there are."""
    found = {name: await lookup_bodies.get(tx, name) for name in dict.fromkeys(names)}
    return {name: one.csv for name, one in found.items() if one is not None}
