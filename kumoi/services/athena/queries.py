"""Queries run: tables brought, the answer written to files, and what it is of, told in Presto's and Hive's types."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from kumoi.presto.outputs import Column, Output, Written
from kumoi.presto.refusals import QueryRefused
from kumoi.services.athena import information_schema
from kumoi.services.athena.catalog import Catalog
from kumoi.services.athena.commands import Place
from kumoi.services.athena.errors import StatementFailed
from kumoi.services.athena.sources import Loaded, load

if TYPE_CHECKING:
    from kumoi.presto.engine import Run

_PRESTO = {
    "VARCHAR": "varchar",
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "TINYINT": "tinyint",
    "DOUBLE": "double",
    "FLOAT": "float",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
    "BLOB": "varbinary",
    "JSON": "json",
    "HUGEINT": "bigint",
    "TIME": "time",
    "UUID": "uuid",
}
_HIVE = {
    "varchar": "string",
    "integer": "int",
    "varbinary": "binary",
    "json": "string",
    "time": "string",
    "uuid": "string",
}


class Answered(NamedTuple):
    """What a query answered: its columns as DuckDB has them, the files of each output, the bytes read."""

    columns: list[Column]
    files: list[list[Written]]
    scanned: int


class Query:
    """A query of a statement; `run` it, `interrupt` it from anywhere."""

    def __init__(self, catalog: Catalog, folder: Path, now: float) -> None:
        self._catalog = catalog
        self._folder = folder
        self._now = now
        self._run: Run | None = None
        self._stopped = False

    async def run(self, sql: str, *outputs: Output) -> Answered:
        """Run a query and write its answer in each of the forms; StatementFailed."""
        from kumoi.services.athena.views import expanded

        plain, tables = await expanded(sql, self._catalog.database, self._found)
        try:
            self._run = await asyncio.to_thread(_read, plain, self._now)
            loaded = {
                name: await self._loaded(table, self._folder / f"table-{number}")
                for number, (name, table) in enumerate(tables.items())
            }
            if self._stopped:
                raise QueryRefused("The query was cancelled.")
            relations = {name: one.relation for name, one in loaded.items()}
            answer = await asyncio.to_thread(self._run.run, relations, self._folder / "answer", outputs)
        except QueryRefused as error:
            raise StatementFailed(f"GENERIC_USER_ERROR: {error}") from None
        return Answered(answer.columns, answer.files, sum(one.scanned for one in loaded.values()))

    async def _found(self, place: Place) -> dict[str, Any]:
        if self._catalog.of(place) == information_schema.NAME:
            return information_schema.table(place.name)
        return await self._catalog.table(place)

    async def _loaded(self, table: Mapping[str, Any], folder: Path) -> Loaded:
        if table["DatabaseName"] == information_schema.NAME:
            return await information_schema.load(self._catalog, table["Name"], folder)
        return await load(self._catalog.asker, table, folder)

    def interrupt(self) -> None:
        """Have `run` end early."""
        self._stopped = True
        if self._run is not None:
            self._run.interrupt()


def _read(sql: str, now: float) -> Run:
    from kumoi.presto.engine import Run

    return Run(sql, now=now)


def presto_type(kind: str) -> str:
    """DuckDB's name of a type as GetQueryResults tells it."""
    if kind.endswith("[]"):
        return "array"
    head = kind.partition("(")[0]
    return {"STRUCT": "row", "MAP": "map", "DECIMAL": "decimal"}.get(head, _PRESTO.get(kind, "varchar"))


def hive_name(kind: str) -> str:
    """DuckDB's name of a type in Hive's notation, as the catalog keeps it."""
    if kind.endswith("[]"):
        return f"array<{hive_name(kind[:-2])}>"
    head, _, rest = kind.partition("(")
    if head == "DECIMAL":
        return kind.lower().replace(" ", "")
    if head in ("STRUCT", "MAP"):
        members = _members(rest[:-1])
        if head == "MAP":
            return f"map<{','.join(map(hive_name, members))}>"
        named = [re.fullmatch(r'(?:"((?:[^"]|"")*)"|(\w+)) (.*)', member, re.S) for member in members]
        listed = [f"{(one[1] or one[2]).lower()}:{hive_name(one[3])}" for one in named if one is not None]
        return f"struct<{','.join(listed)}>"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return "timestamp"
    plain = _PRESTO.get(kind, "varchar")
    return _HIVE.get(plain, plain)


def _members(text: str) -> list[str]:
    """The parts of a list of types between its outer commas."""
    found, depth, quoted, start = [], 0, False, 0
    for at, one in enumerate(text):
        if one == '"':
            quoted = not quoted
        elif not quoted and one in "([":
            depth += 1
        elif not quoted and one in ")]":
            depth -= 1
        elif one == "," and not quoted and depth == 0:
            found.append(text[start:at].strip())
            start = at + 1
    return [*found, text[start:].strip()] if text.strip() else []
