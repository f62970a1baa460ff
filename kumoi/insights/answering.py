"""Runs a query to its end, from its text to rendered rows: what happens in a process of its own.

Rows are answered in pages of compressed JSON, as GetQueryResults shows them, so that who keeps them reads no more of
them than is asked for.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
import orjson

from kumoi.insights.plan import LookupTable, Plan
from kumoi.insights.rendering import row

PAGE = 1_000
"""Rows of a page; the last one may have fewer."""
MOST_BYTES = 64 << 20
"""Of a query's values; rows behind are left out."""

Row = list[dict[str, str]]


class Found(Protocol):
    """What a statement answers."""

    @property
    def rows(self) -> Sequence[tuple[Any, ...]]:
        """Its rows."""
        ...


class Ask(Protocol):
    """Runs a SELECT over views by name."""

    def __call__(self, sql: str, parameters: Mapping[str, Any], names: tuple[str, ...] = ()) -> Found:
        """The answer of a statement."""
        ...


class Inquiry(NamedTuple):
    """A query and what it depends on: the platform's time (epoch ms), the most rows wanted, lookup tables by name."""

    text: str
    now: int
    limit: int | None
    tables: Mapping[str, LookupTable] = {}


class Answered(msgspec.Struct, frozen=True):
    """How many records matched (None: all that were scanned), how many rows there are, and the rows in pages."""

    matched: int | None
    rows: int
    pages: list[bytes]


def plan(inquiry: Inquiry) -> Plan:
    """A query's plan: the same wherever it is made. Malformed when there is none."""
    from kumoi.insights.compiler import compile_query
    from kumoi.insights.parsing import parse

    return compile_query(parse(inquiry.text), now=inquiry.now, limit=inquiry.limit, tables=inquiry.tables)


def answer(ask: Ask, inquiry: Inquiry) -> bytes:
    """An `Answered`, encoded."""
    final = plan(inquiry)
    found = ask(final.sql, final.parameters, tuple(final.views)).rows
    matched = int((found[0][-1] if found else 0) or 0) if final.counted else None
    if final.then is not None:
        final = final.then(found)
        found = ask(final.sql, final.parameters).rows
    rows = list(_rendered(final, found))
    pages = [zlib.compress(orjson.dumps(rows[at : at + PAGE]), 1) for at in range(0, len(rows), PAGE)]
    return msgspec.msgpack.encode(Answered(matched, len(rows), pages))


def _rendered(of: Plan, found: Sequence[tuple[Any, ...]]) -> Iterator[Row]:
    size = 0
    for values in found:
        fields = row(of.columns, values)
        if of.pointers and values[len(of.columns)] is not None:
            fields.append({"field": "@ptr", "value": str(values[len(of.columns)])})
        size += sum(len(field["value"]) for field in fields)
        if size > MOST_BYTES:
            return
        yield fields


def read(page: bytes) -> list[Row]:
    """The rows of a page."""
    rows: list[Row] = orjson.loads(zlib.decompress(page))
    return rows
