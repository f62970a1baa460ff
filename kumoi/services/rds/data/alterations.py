"""ALTER TABLE as PostgreSQL has it: what SQLite cannot change, the text of its declaration is changed in the file for.

Rows are checked first, as PostgreSQL does. The file's own way: "Making Other Kinds Of Table Schema Changes" of SQLite's
documentation of ALTER TABLE, for changes that leave rows as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import apsw
from sqlglot import exp

from kumoi.services.rds.data.declarations import declared
from kumoi.services.rds.data.parsing import Refused, Tree
from kumoi.services.rds.data.table_text import (
    constraint,
    not_null,
    nullable,
    of_type,
    with_column,
    with_default,
    with_item,
    without_constraint,
)
from kumoi.services.rds.data.values import BadValue

_KEYS = (exp.AutoIncrementColumnConstraint, exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint)
_NOT_COLUMNS = frozenset(("CONSTRAINT", "INDEX", "KEY", "FOREIGN KEY", "CHECK"))


def alter(connection: apsw.Connection, tree: exp.Alter) -> None:
    """Run an ALTER TABLE whose expressions are SQLite's already, an action at a time."""
    table = tree.this.name
    if not _declaration(connection, table):
        if tree.args.get("exists"):
            return
        raise BadValue(f'ERROR: relation "{table}" does not exist; SQLState: 42P01')
    for action in tree.args.get("actions") or ():
        if isinstance(action, exp.ColumnDef):
            _add_column(connection, table, action)
        elif isinstance(action, exp.AddConstraint):
            for one in action.expressions:
                _add_constraint(connection, table, one)
        elif isinstance(action, exp.AlterColumn):
            _alter_column(connection, table, action)
        elif isinstance(action, exp.ModifyColumn):
            _modify_column(connection, table, action)
        elif isinstance(action, exp.Drop) and str(action.args.get("kind")).upper() in _NOT_COLUMNS:
            _drop_constraint(connection, table, action)
        elif isinstance(action, exp.Drop):
            _drop_column(connection, table, action)
        else:
            alone = exp.Alter(this=tree.this.copy(), kind="TABLE", actions=[action])
            _run(connection, alone.sql("sqlite", identify=True))


def _add_column(connection: apsw.Connection, table: str, column: exp.ColumnDef) -> None:
    name = column.name
    if any(one == name for one, _ in _columns(connection, table)):
        if column.args.get("exists"):
            return
        raise BadValue(f'ERROR: column "{name}" of relation "{table}" already exists; SQLState: 42701')
    column.set("position", None)  # columns stand in the order in which they came
    if column.find(exp.PrimaryKeyColumnConstraint):
        raise Refused("Kumoi's SQLite engine adds no primary key to a table that is there.")
    unique = [one for one in column.constraints if isinstance(one.kind, exp.UniqueColumnConstraint)]
    for one in unique:
        one.pop()
    words = _sql(column)
    bare = exp.ColumnDef(this=exp.to_identifier(name, quoted=True), kind=column.args["kind"].copy())
    _run(connection, f"ALTER TABLE {_quoted(table)} ADD COLUMN {_sql(bare)}")
    default = column.find(exp.DefaultColumnConstraint)
    if default is not None:
        _run(connection, _update(table, name, default.this))
    if column.find(exp.NotNullColumnConstraint):
        _check_present(connection, table, name)
    _rewrite(connection, table, lambda text: with_column(text, name, lambda _words: [words]))
    _check_references(connection, table)
    if unique:
        _unique(connection, table, f"{table}_{name}_key", [_quoted(name)])


def _add_constraint(connection: apsw.Connection, table: str, node: Tree) -> None:
    name = node.name if isinstance(node, exp.Constraint) else ""
    rule = node.expressions[0] if isinstance(node, exp.Constraint) else node
    if isinstance(rule, exp.IndexColumnConstraint):
        columns = [one.name for one in rule.expressions]
        name = _quoted(rule.name or "_".join([table, *columns]))
        _run(connection, f"CREATE INDEX {name} ON {_quoted(table)} ({', '.join(map(_quoted, columns))})")
        return
    if isinstance(rule, exp.UniqueColumnConstraint | exp.PrimaryKey):
        named = rule.this.expressions if isinstance(rule, exp.UniqueColumnConstraint) else rule.expressions
        columns = [one.name for one in named]
        if isinstance(rule, exp.UniqueColumnConstraint) and isinstance(rule.this.this, exp.Identifier):
            name = name or rule.this.this.name
        if isinstance(rule, exp.PrimaryKey):
            for column in columns:
                _check_present(connection, table, column)
                _rewrite(connection, table, partial(with_column, name=column, change=not_null))
        end = "pkey" if isinstance(rule, exp.PrimaryKey) else "_".join([*columns, "key"])
        _unique(connection, table, name or f"{table}_{end}", [_quoted(one) for one in columns])
        return
    if isinstance(rule, exp.CheckColumnConstraint):
        name = name or f"{table}_check"
        if _any(connection, table, exp.Not(this=exp.Paren(this=rule.this.copy()))):
            raise BadValue(
                f'ERROR: check constraint "{name}" of relation "{table}" is violated by some row; SQLState: 23514'
            )
    elif not isinstance(rule, exp.ForeignKey):
        raise Refused(f"Kumoi's SQLite engine adds no such constraint: {node.sql('postgres')}")
    if not name and isinstance(rule, exp.ForeignKey):
        name = "_".join([table, *(one.name for one in rule.expressions), "fkey"])
    _rewrite(connection, table, lambda text: with_item(text, f"CONSTRAINT {_quoted(name)} {_sql(rule)}"))
    _check_references(connection, table)


def _alter_column(connection: apsw.Connection, table: str, action: exp.AlterColumn) -> None:
    name, kind, default = action.name, action.args.get("dtype"), action.args.get("default")
    nulls = action.args.get("allow_null")
    change: Callable[[list[str]], list[str]]
    if kind is not None:
        using = action.args.get("using")
        if isinstance(using, exp.Expr):
            _run(connection, _update(table, name, using))
        change = of_type(declared(kind))
    elif default is not None:
        change = with_default(_sql(exp.DefaultColumnConstraint(this=default)).partition(" ")[2])
    elif nulls is False:
        _check_present(connection, table, name)
        change = not_null
    else:
        change = nullable if nulls else with_default("")
    if not _rewrite(connection, table, lambda text: with_column(text, name, change)):
        raise BadValue(f'ERROR: column "{name}" of relation "{table}" does not exist; SQLState: 42703')


def _modify_column(connection: apsw.Connection, table: str, action: exp.ModifyColumn) -> None:
    """MySQL's MODIFY and CHANGE: a column declared anew, maybe with another name."""
    column, old = action.this, action.args.get("rename_from")
    if old is not None and old.name != column.name:
        _run(connection, f"ALTER TABLE {_quoted(table)} RENAME COLUMN {_quoted(old.name)} TO {_quoted(column.name)}")
    if column.find(exp.NotNullColumnConstraint):
        _check_present(connection, table, column.name)
    column.set("position", None)
    keyed = [one for one in column.constraints if isinstance(one.kind, _KEYS)]
    for one in keyed:
        one.pop()
    words = _sql(column)

    def change(old: list[str]) -> list[str]:  # the keys that a column is stay, as their indexes do
        if "PRIMARY" in old:
            return old
        return [words, "UNIQUE"] if "UNIQUE" in old else [words]

    if not _rewrite(connection, table, lambda text: with_column(text, column.name, change)):
        raise BadValue(f'ERROR: column "{column.name}" of relation "{table}" does not exist; SQLState: 42703')


def _drop_column(connection: apsw.Connection, table: str, action: exp.Drop) -> None:
    """Drop a column, and the indexes that it is in."""
    (named,) = action.args["tables"]
    name = named.name
    if not any(one == name for one, _ in _columns(connection, table)):
        if action.args.get("exists"):
            return
        raise BadValue(f'ERROR: column "{name}" of relation "{table}" does not exist; SQLState: 42703')
    indexes = "SELECT name FROM pragma_index_list(?) WHERE origin = 'c'"
    for (index,) in connection.execute(indexes, (table,)).fetchall():
        if (name,) in connection.execute("SELECT name FROM pragma_index_info(?)", (index,)).fetchall():
            _run(connection, f"DROP INDEX {_quoted(str(index))}")
    _run(connection, f"ALTER TABLE {_quoted(table)} DROP COLUMN {_quoted(name)}")


def _drop_constraint(connection: apsw.Connection, table: str, action: exp.Drop) -> None:
    (named,) = action.args["tables"]
    name = named.name
    index = connection.execute(
        "SELECT 1 FROM main.sqlite_master WHERE type = 'index' AND name = ? AND tbl_name = ?", (name, table)
    )
    if index.fetchall():
        _run(connection, f"DROP INDEX {_quoted(name)}")
        return
    held = constraint(_declaration(connection, table), name)
    if " UNIQUE" in held or " PRIMARY KEY" in held:
        raise Refused("Kumoi's SQLite engine drops no keys that CREATE TABLE made.")
    if not _rewrite(connection, table, lambda text: without_constraint(text, name)) and not action.args.get("exists"):
        raise BadValue(f'ERROR: constraint "{name}" of relation "{table}" does not exist; SQLState: 42704')


def _unique(connection: apsw.Connection, table: str, name: str, columns: list[str]) -> None:
    _run(connection, f"CREATE UNIQUE INDEX {_quoted(name)} ON {_quoted(table)} ({', '.join(columns)})")


def _check_present(connection: apsw.Connection, table: str, column: str) -> None:
    named = exp.Column(this=exp.to_identifier(column, quoted=True))
    if _any(connection, table, exp.Is(this=named, expression=exp.Null())):
        raise BadValue(f'ERROR: column "{column}" of relation "{table}" contains null values; SQLState: 23502')


def _any(connection: apsw.Connection, table: str, condition: Tree) -> bool:
    found = exp.select("1").from_(exp.to_identifier(table, quoted=True)).where(condition).limit(1)
    return bool(_run(connection, _sql(found)).fetchall())


def _update(table: str, column: str, value: Tree) -> str:
    place = exp.EQ(this=exp.Column(this=exp.to_identifier(column, quoted=True)), expression=value.copy())
    return _sql(exp.Update(this=exp.Table(this=exp.to_identifier(table, quoted=True)), expressions=[place]))


def _check_references(connection: apsw.Connection, table: str) -> None:
    with _unguarded(connection):
        if _run(connection, f"PRAGMA foreign_key_check({_quoted(table)})").fetchall():
            raise BadValue(
                f'ERROR: insert or update on table "{table}" violates foreign key constraint; SQLState: 23503'
            )


def _rewrite(connection: apsw.Connection, table: str, change: Callable[[str], str | None]) -> bool:
    """Change the declaration of a table in the file; False where there is nothing to change."""
    text = change(_declaration(connection, table))
    if text is None:
        return False
    with _unguarded(connection):
        version = connection.pragma("schema_version")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE main.sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (text, table))
        connection.execute(f"PRAGMA main.schema_version = {version + 1}")
        connection.execute("PRAGMA writable_schema = RESET")
        try:
            connection.execute("SELECT count(*) FROM main.sqlite_master").fetchall()  # SQLite reads it anew, or refuses
        except apsw.Error as problem:
            raise Refused(f"Kumoi's SQLite engine cannot change the table {table} so: {problem}") from None
    return True


@contextmanager
def _unguarded(connection: apsw.Connection) -> Iterator[None]:
    """What the authorizer and SQLite's defences refuse to clients."""
    authorizer = connection.authorizer
    connection.authorizer = None
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
    try:
        yield
    finally:
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.authorizer = authorizer


def _declaration(connection: apsw.Connection, table: str) -> str:
    found = connection.execute("SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?", (table,))
    return "".join(str(text) for (text,) in found)


def _columns(connection: apsw.Connection, table: str) -> list[tuple[str, str]]:
    return list(connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)))


def _run(connection: apsw.Connection, sql: str) -> Any:
    return connection.execute(sql)


def _sql(node: Tree) -> str:
    return str(node.sql("sqlite", identify=True))


def _quoted(name: str) -> str:
    return str(exp.to_identifier(name, quoted=True).sql("sqlite"))
