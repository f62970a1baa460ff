"""What a database holds beside tables: schemas, enumerations and sequences.

A table of another schema than `public` has both names in SQLite's one: `"drizzle.migrations"`. Schemas and types are
rows of two tables that no client sees. Source: "CREATE SCHEMA", "CREATE TYPE" of PostgreSQL's manual.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import apsw
import orjson
from sqlglot import exp

from kumoi.services.rds.data.parsing import Refused, Tree
from kumoi.services.rds.data.scopes import Known, KnownColumn
from kumoi.services.rds.data.values import BadValue

TABLES = """
CREATE TABLE IF NOT EXISTS kumoi_schemas (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS kumoi_types (name TEXT PRIMARY KEY, labels TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS kumoi_sequences (name TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""
_ADD_VALUE = re.compile(
    r"""TYPE\s+(?P<name>[\w".]+)\s+ADD\s+VALUE\s+(?P<lenient>IF\s+NOT\s+EXISTS\s+)?'(?P<label>(?:[^']|'')*)'
        (?:\s+(?P<side>BEFORE|AFTER)\s+'(?P<beside>(?:[^']|'')*)')?\s*""",
    re.IGNORECASE | re.VERBOSE,
)


def known_columns(connection: apsw.Connection, tables: Iterable[str]) -> Known:
    """The columns of some tables."""
    query = "SELECT name, type, dflt_value FROM pragma_table_info(?)"
    return tuple(
        KnownColumn(table, name, "int4" if kind == "INTEGER" else kind, default)
        for table in sorted(tables)
        for name, kind, default in connection.execute(query, (table,))
    )


_FIND = {
    "schema": "SELECT count(*) FROM main.kumoi_schemas WHERE name = ?",
    "type": "SELECT count(*) FROM main.kumoi_types WHERE name = ?",
}
_EXTENSIONS = frozenset(("uuid-ossp", "pgcrypto"))
"""Of which ORMs want `uuid_generate_v4` and `gen_random_uuid`."""
_BUILT_IN = ("public", "information_schema", "pg_catalog")
_STATES = {"schema": "3F000", "type": "42704"}


def require(connection: apsw.Connection, demands: Iterable[tuple[str, str]]) -> None:
    """Raise BadValue where a ("schema" or "type", name) that a statement names does not exist."""
    for what, name in sorted(demands):
        if not _one(connection, _FIND[what], name):
            raise BadValue(f'ERROR: {what} "{name}" does not exist; SQLState: {_STATES[what]}')


def unique_constraint(connection: apsw.Connection, table: str, columns: tuple[str, ...]) -> str:
    """The name of the constraint, or unique index, over these columns; what PostgreSQL would call it if it has none."""
    indexes = connection.execute('SELECT name, origin FROM pragma_index_list(?) WHERE "unique"', (table,))
    for index, origin in list(indexes):
        held = tuple(name for (name,) in connection.execute("SELECT name FROM pragma_index_info(?)", (index,)))
        if held == columns and origin == "c":
            return str(index)
    declaration = _one(connection, "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?", table)
    named = ", ".join(f'"{one}"' for one in columns)
    found = re.search(rf'CONSTRAINT "([^"]+)" UNIQUE \({re.escape(named)}\)', declaration or "")
    return found[1] if found else "_".join([table.rpartition(".")[2], *columns, "key"])


def functions_of(connection: apsw.Connection) -> Mapping[str, Callable[..., Any]]:
    """What statements call that looks into the catalog of a connection.

    `kumoi_enum(type, value)` is the value, `kumoi_is_label(type, value)` true; both raise BadValue for what is no label
    of the enumeration. `kumoi_nextval(sequence)` is the next number.
    """
    return {
        "kumoi_enum": partial(_checked, connection),
        "kumoi_is_label": lambda name, value: _checked(connection, name, value) is value,
        "kumoi_nextval": partial(_next, connection),
        "pg_get_serial_sequence": partial(_serial_sequence, connection),
    }


def _serial_sequence(connection: apsw.Connection, table: str, column: str) -> str | None:
    """The sequence that a column takes its numbers from; none for any other column."""
    schema, _, name = table.replace('"', "").rpartition(".")
    place = name if schema in ("", "public") else f"{schema}.{name}"
    declaration = _one(connection, "SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?", place) or ""
    item = rf'"{re.escape(column)}" (INTEGER PRIMARY KEY AUTOINCREMENT|[^,]*kumoi_nextval)'
    return f"{schema or 'public'}.{name}_{column}_seq" if re.search(item, declaration, re.IGNORECASE) else None


def _next(connection: apsw.Connection, name: str) -> Any:
    query = """INSERT INTO main.kumoi_sequences (name, last) VALUES (?, 1)
        ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last"""
    return _one(connection, query, name)


def _checked(connection: apsw.Connection, name: str, value: Any) -> Any:
    if value is not None and value not in _labels(connection, name):
        raise BadValue(f'ERROR: invalid input value for enum {name}: "{value}"; SQLState: 22P02')
    return value


def carry_out(connection: apsw.Connection, tree: Tree) -> None:
    """Run a statement about a schema or a type."""
    if isinstance(tree, exp.Command):
        words = str(tree.expression.name if isinstance(tree.expression, exp.Expr) else tree.expression)
        change = _require_extension if tree.this.upper() == "CREATE" else _alter_type
        change(connection, words)
        return
    kind = str(tree.args["kind"]).upper()
    table = tree.this if isinstance(tree, exp.Create) else tree.args["tables"][0]
    name = table.text("db") if kind == "SCHEMA" else type_name(table)
    exists = bool(tree.args.get("exists"))
    if isinstance(tree, exp.Drop):
        _drop(connection, kind.lower(), name, lenient=exists, cascade=bool(tree.args.get("cascade")))
        return
    known = name.lower() in _BUILT_IN if kind == "SCHEMA" else False
    if known or _one(connection, _FIND[kind.lower()], name):
        if exists:
            return
        state = "42P06" if kind == "SCHEMA" else "42710"
        raise BadValue(f'ERROR: {kind.lower()} "{name}" already exists; SQLState: {state}')
    if kind == "SCHEMA":
        connection.execute("INSERT INTO main.kumoi_schemas (name) VALUES (?)", (name,))
    else:
        labels = _written([one.name for one in tree.expression.expressions])
        connection.execute("INSERT INTO main.kumoi_types (name, labels) VALUES (?, ?)", (name, labels))


def type_name(table: Tree) -> str:
    """What an enumeration is called here: the name of its schema before its own, unless that is `public`."""
    schema = table.text("db")
    return table.name if schema in ("", "public") else f"{schema}.{table.name}"


def _drop(connection: apsw.Connection, what: str, name: str, *, lenient: bool, cascade: bool) -> None:
    if not lenient:
        require(connection, [(what, name)])
    if what == "schema":
        query = "SELECT name, type FROM temp.kumoi_tables WHERE table_schema = ?"
        held = list(connection.execute(query, (name,)))
        if held and not cascade:
            raise BadValue(f"ERROR: cannot drop schema {name} because other objects depend on it; SQLState: 2BP01")
        for table, kind in held:
            connection.execute(f'DROP {kind.upper()} "{table}"')
    elif not cascade:
        pattern = f"kumoi_is_label('{name}'"
        query = "SELECT count(*) FROM main.sqlite_master WHERE type = 'table' AND instr(lower(sql), lower(?))"
        if _one(connection, query, pattern):
            raise BadValue(f"ERROR: cannot drop type {name} because other objects depend on it; SQLState: 2BP01")
    connection.execute(_FIND[what].replace("SELECT count(*)", "DELETE"), (name,))


def _require_extension(_connection: apsw.Connection, text: str) -> None:
    """CREATE EXTENSION: those whose functions are here are there already."""
    found = re.match(r'\s*EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?"?([\w-]+)', text, re.IGNORECASE)
    name = found[1].lower() if found else ""
    if name not in _EXTENSIONS:
        raise BadValue(f'ERROR: extension "{name}" is not available; SQLState: 0A000')


def _alter_type(connection: apsw.Connection, text: str) -> None:
    found = _ADD_VALUE.fullmatch(text.strip())
    if found is None:
        raise Refused("Kumoi's SQLite engine alters types by ADD VALUE only.")
    given = {name: value.replace("''", "'") for name, value in found.groupdict().items() if value}
    schema, _, own = given["name"].replace('"', "").rpartition(".")
    name = own if schema in ("", "public") else f"{schema}.{own}"
    require(connection, [("type", name)])
    labels, label, beside = _labels(connection, name), given["label"], given.get("beside")
    if label in labels:
        if "lenient" in given:
            return
        raise BadValue(f'ERROR: enum label "{label}" already exists; SQLState: 42710')
    if beside is not None and beside not in labels:
        raise BadValue(f'ERROR: "{beside}" is not an existing enum label; SQLState: 22023')
    at = len(labels) if beside is None else labels.index(beside) + (given["side"].upper() == "AFTER")
    labels.insert(at, label)
    connection.execute("UPDATE main.kumoi_types SET labels = ? WHERE name = ?", (_written(labels), name))


def _labels(connection: apsw.Connection, name: str) -> list[str]:
    found = _one(connection, "SELECT labels FROM main.kumoi_types WHERE name = ?", name)
    return orjson.loads(found) if found else []


def _written(labels: list[str]) -> str:
    return orjson.dumps(labels).decode()


def _one(connection: apsw.Connection, query: str, value: str) -> Any:
    return next((found for (found,) in connection.execute(query, (value,)).fetchall()), None)
