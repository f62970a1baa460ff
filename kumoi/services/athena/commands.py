"""What a statement asks for, as plain values; whether it is DDL, DML or UTILITY. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

Kind = Literal["DDL", "DML", "UTILITY"]


class Place(NamedTuple):
    """A table by its database (None: the one at hand) and name, both lower-case."""

    database: str | None
    name: str


class Query(NamedTuple):
    """A SELECT."""

    sql: str


class Unload(NamedTuple):
    """The answer of a query, written to files at a location."""

    sql: str
    location: str
    options: Mapping[str, Any]


class CreateAs(NamedTuple):
    """A table of a query's answer."""

    place: Place
    sql: str
    options: Mapping[str, Any]
    exists_ok: bool
    with_data: bool


class Insert(NamedTuple):
    """Rows for a table."""

    place: Place
    columns: Sequence[str]
    sql: str


class CreateView(NamedTuple):
    """A view."""

    place: Place
    sql: str
    replace: bool


class CreateTable(NamedTuple):
    """A table of files that are there: columns, partition keys, and how the files are read."""

    place: Place
    columns: Sequence[Mapping[str, str]]
    keys: Sequence[Mapping[str, str]]
    location: str | None
    storage: Mapping[str, Any]
    properties: Mapping[str, str]
    comment: str | None
    exists_ok: bool


class AlterTable(NamedTuple):
    """Changes of a table: `columns` are added, or take the place of all; properties and the location are set."""

    place: Place
    columns: Sequence[Mapping[str, str]] = ()
    replaced: bool = False
    properties: Mapping[str, str] = {}
    location: str | None = None


class CreateDatabase(NamedTuple):
    """A database."""

    name: str
    comment: str | None
    location: str | None
    exists_ok: bool


class Drop(NamedTuple):
    """What is dropped: `DATABASE`, `TABLE` or `VIEW`."""

    what: str
    place: Place
    missing_ok: bool
    cascade: bool


class Partitions(NamedTuple):
    """Partitions to add or drop: values by key, and where each is."""

    place: Place
    add: bool
    lenient: bool
    values: Sequence[tuple[Mapping[str, str], str | None]]


class Repair(NamedTuple):
    """Partitions are looked for in S3."""

    place: Place


class Show(NamedTuple):
    """A list: of `DATABASES`, `TABLES`, `VIEWS`, or about a table."""

    what: str
    database: str | None = None
    pattern: str | None = None
    place: Place | None = None


class Execute(NamedTuple):
    """A prepared statement and its parameters, as SQL."""

    name: str
    parameters: Sequence[str]


class Prepare(NamedTuple):
    """A statement to prepare."""

    name: str
    sql: str


class Deallocate(NamedTuple):
    """A prepared statement to forget."""

    name: str


Statement = (
    Query | Unload | CreateAs | Insert | CreateView | CreateTable | AlterTable | CreateDatabase | Drop | Partitions
    | Repair | Show | Execute | Prepare | Deallocate
)  # fmt: skip


def kind_of(statement: Statement) -> Kind:
    """What GetQueryExecution says that a statement is."""
    if isinstance(statement, Query | Unload | Insert | Execute):
        return "DML"
    if isinstance(statement, Show):
        return "UTILITY"
    return "DDL"
