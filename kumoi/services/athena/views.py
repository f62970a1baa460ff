"""A query with its views put in: every view's name becomes the view's own query in brackets."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from kumoi.services.athena.catalog import VIEW, view_of
from kumoi.services.athena.commands import Place
from kumoi.services.athena.errors import StatementFailed

_MOST_DEEP = 16
_MOST_TABLES = 500
Find = Callable[[Place], Awaitable[dict[str, Any]]]
Tables = dict[str, dict[str, Any]]


async def expanded(sql: str, database: str, find: Find) -> tuple[str, Tables]:
    """The query without views, all its tables named `database.table`, and those tables; StatementFailed."""
    tables: Tables = {}
    tree = await _expanded(await asyncio.to_thread(_parsed, sql), database, find, tables, 0)
    return await asyncio.to_thread(_written, tree), tables


def _parsed(sql: str) -> exp.Expr:
    try:
        return sqlglot.parse_one(sql.replace("`", '"') if "`" in sql else sql, dialect="trino")
    except SqlglotError as error:
        raise StatementFailed(f"SYNTAX_ERROR: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise StatementFailed("SYNTAX_ERROR: the query is nested too deeply") from None


def _written(tree: exp.Expr) -> str:
    try:
        return tree.sql("trino")
    except RecursionError:
        raise StatementFailed("SYNTAX_ERROR: the query is nested too deeply") from None


async def _expanded(tree: exp.Expr, database: str, find: Find, tables: Tables, depth: int) -> exp.Expr:
    if depth > _MOST_DEEP:
        raise StatementFailed("INVALID_VIEW: views refer to one another too deeply.")
    for table in list(tree.find_all(exp.Table)):
        if not isinstance(table.this, exp.Identifier) or (
            not table.args.get("db") and table.name.lower() in _own(table)
        ):
            continue
        place = Place((table.text("db") or database).lower(), table.name.lower())
        name = f"{place.database}.{place.name}"
        found = tables.get(name) or await find(place)
        if len(tables) >= _MOST_TABLES:
            raise StatementFailed("The query names too many tables.")
        if found.get("TableType") != VIEW:
            tables[name] = found
            alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(place.name, quoted=True))
            plain = exp.table_(place.name, db=place.database, quoted=True)
            _put(table, plain, alias)
            continue
        text, own = view_of(found)
        inner = await _expanded(await asyncio.to_thread(_parsed, text), own, find, tables, depth + 1)
        alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(place.name, quoted=True))
        replaced = exp.Subquery(this=inner)
        if table is tree:
            raise StatementFailed("SYNTAX_ERROR: a query is a SELECT.")
        _put(table, replaced, alias)
    return tree


def _put(table: exp.Table, other: exp.Expr, alias: exp.Expr) -> None:
    other.set("alias", alias)
    for kept in ("joins", "laterals", "sample"):
        if table.args.get(kept):
            other.set(kept, table.args[kept])
    table.replace(other)


def _own(node: exp.Expr) -> set[str]:
    """The names that WITH clauses give, as seen from a node."""
    names: set[str] = set()
    above: exp.Expr | None = node
    while above is not None:
        clause = above.args.get("with_") or above.args.get("with")
        if clause is not None:
            names |= {one.alias.lower() for one in clause.expressions}
        above = above.parent
    return names
