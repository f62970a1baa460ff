"""A statement in Presto's dialect: parsed, refused unless it is a query of known tables, and rewritten for DuckDB.

Where both would run a text but answer differently, the rewriting makes DuckDB answer what Presto does: whole numbers
divide to whole numbers, `$1` in replacements, zones of times, dates plus days. What cannot be said in DuckDB is
refused by name. Sources: Presto's and Trino's documentation, "Functions and operators"; DuckDB's documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError, UnsupportedError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from kumoi.presto.column_types import Type, type_text
from kumoi.presto.functions import KNOWN, rewritten_function
from kumoi.presto.outputs import Window
from kumoi.presto.refusals import QueryRefused

MOST_CHARACTERS = 262_144
MOST_NODES = 20_000
_NUMBER_OF = "kumoi_number"
_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery)
_NAMED = (exp.Alias, exp.Aliases, exp.Column, exp.Dot, exp.Identifier, exp.Star)
_FORBIDDEN = (
    *(exp.Command, exp.Into, exp.Parameter, exp.Placeholder, exp.SessionParameter),
    *(exp.ReadCSV, exp.Lock, exp.DML, exp.DDL),
)


class Statement(NamedTuple):
    """A query in DuckDB's dialect, and the tables it reads by their lower-case names."""

    sql: str
    tables: frozenset[str]


def parse(text: str) -> exp.Expr:
    """A query as a tree; QueryRefused when it is none."""
    if len(text) > MOST_CHARACTERS:
        raise QueryRefused(f"A query has at most {MOST_CHARACTERS} characters.")
    try:
        found = _statements(text)
    except RecursionError:
        raise QueryRefused("The query is nested too deeply.") from None
    if len(found) != 1 or found[0] is None:
        raise QueryRefused("A query is one SELECT statement.")
    tree = found[0]
    if not isinstance(tree, _QUERIES):
        raise QueryRefused(f"Only queries can be run, not {tree.key.upper()}.")
    _check(tree)
    return tree


def tables_of(tree: exp.Expr) -> frozenset[str]:
    """The tables a query reads, by lower-case name (`db.table` where one is named); its own WITH names apart."""
    return frozenset(_name(table) for table in _tables(tree))


def translate(tree: exp.Expr, schema: Mapping[str, Mapping[str, Type]], window: Window | None = None) -> Statement:
    """A query in DuckDB's dialect. `schema` holds the columns of its tables by name; QueryRefused when it cannot be."""
    tree = tree.copy()
    names = tables_of(tree)
    if missing := sorted(names - schema.keys()):
        raise QueryRefused(f"Table {missing[0]} does not exist.")
    for table in _tables(tree):
        _place(table, window)
    try:
        _name_columns(tree)
        _with_types(tree, schema)
        for node in reversed(list(tree.walk())):
            new = _rewritten(node)
            if new is not node:
                tree = new if node is tree else tree
                node.replace(new)
        sql = tree.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)
    except UnsupportedError as error:
        raise QueryRefused(f"The query cannot be run: {error}") from None
    except SqlglotError as error:
        raise QueryRefused(f"The query cannot be read: {error}") from None
    except RecursionError:
        raise QueryRefused("The query is nested too deeply.") from None
    return Statement(sql, names)


def _statements(text: str) -> list[exp.Expr | None]:
    try:
        return list(sqlglot.parse(text, dialect="trino"))
    except SqlglotError as error:
        if "`" in text:
            return _statements(text.replace("`", '"'))
        raise QueryRefused(f"The query cannot be read: {_first_line(error)}") from None


def _first_line(error: SqlglotError) -> str:
    told = getattr(error, "errors", None)
    if told:
        one = told[0]
        return f"line {one['line']}, column {one['col']}: {one['description']}"
    return str(error).splitlines()[0]


def _check(tree: exp.Expr) -> None:
    for number, node in enumerate(tree.walk()):
        if number > MOST_NODES:
            raise QueryRefused("The query is too large.")
        if isinstance(node, _FORBIDDEN):
            raise QueryRefused(f"{node.key.upper()} cannot be used in a query.")
        if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
            raise QueryRefused(f"{node.this.sql('trino')} is no table.")
        if isinstance(node, exp.Anonymous) and node.name.lower() not in KNOWN:
            raise QueryRefused(f"Function {node.name.lower()} not registered.")
        if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc) and isinstance(node.parent, exp.Table):
            raise QueryRefused(f"{node.name} is no table.")


def _tables(tree: exp.Expr) -> list[exp.Table]:
    found = []
    for table in tree.find_all(exp.Table):
        own = not table.args.get("db") and table.name.lower() in _with_names(table)
        if not own:
            found.append(table)
    return found


def _with_names(node: exp.Expr) -> set[str]:
    """The names that WITH clauses give, as seen from a node."""
    names: set[str] = set()
    above: exp.Expr | None = node
    while above is not None:
        clause = above.args.get("with_") or above.args.get("with")
        if clause is not None:
            names |= {one.alias.lower() for one in clause.expressions}
        above = above.parent
    return names


def _name(table: exp.Table) -> str:
    return ".".join(part.name.lower() for part in (table.args.get("db"), table.this) if part is not None)


def _place(table: exp.Table, window: Window | None) -> None:
    """Give a table the name its view has, and its window."""
    name = _name(table)
    alias = table.alias or table.name
    plain = exp.Table(this=exp.to_identifier(name, quoted=True))
    if window is None:
        named = exp.TableAlias(this=exp.to_identifier(alias, quoted=True))
        plain.set("alias", table.args.get("alias") or named)
        table.replace(_with_the_rest(plain, table))
        return
    moment = exp.cast(_expression(window.expression), "timestamp")
    start, end = (exp.cast(exp.Literal.string(_timestamp(bound)), "timestamp") for bound in (window.start, window.end))
    rows = exp.select("*").from_(plain).where(moment >= start, moment.copy() < end)
    placed = rows.subquery(exp.to_identifier(alias, quoted=True))
    if table.args.get("alias"):
        placed.set("alias", table.args["alias"])
    table.replace(_with_the_rest(placed, table))


def _with_the_rest(placed: exp.Expr, table: exp.Table) -> exp.Expr:
    for kept in ("joins", "laterals", "sample"):
        if table.args.get(kept):
            placed.set(kept, table.args[kept])
    return placed


def _expression(text: str) -> exp.Expr:
    tree = parse(f"SELECT {text}")
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or tree.find(exp.Table, exp.Subquery):
        raise QueryRefused(f"{text} is no expression.")
    found: exp.Expr = tree.expressions[0].unalias()
    return found


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _name_columns(tree: exp.Expr) -> None:
    """Give the columns of the answer that have no name Presto's: `_col0`."""
    select = tree
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    if isinstance(select, exp.Select):
        for number, column in enumerate(select.expressions):
            if not isinstance(column, _NAMED):
                column.replace(exp.alias_(column.copy(), f"_col{number}", quoted=True))


def _with_types(tree: exp.Expr, schema: Mapping[str, Mapping[str, Type]]) -> None:
    """Note the types of divisions and of additions to dates, as far as they can be told."""
    nodes: dict[int, exp.Expr] = {}
    kinds: tuple[type[exp.Expr], ...] = (exp.Div, exp.Add, exp.Sub, exp.DateAdd, exp.Unnest)
    for number, node in enumerate(tree.find_all(*kinds)):
        node.meta[_NUMBER_OF] = number
        nodes[number] = node
    if not nodes:
        return
    typed = {
        name: {column: exp.DataType.build(type_text(kind), dialect="duckdb") for column, kind in columns.items()}
        for name, columns in schema.items()
    }
    flat: Any = typed
    try:
        copy = qualify(
            tree.copy(),
            schema=flat,
            dialect="trino",
            validate_qualify_columns=False,
            quote_identifiers=False,
            identify=False,
        )
        annotated = annotate_types(copy, schema=flat, dialect="trino")
    except SqlglotError:
        return  # the types stay unknown; what is wrong with the query, DuckDB will tell
    for found in annotated.walk():
        original = nodes.get(found.meta.get(_NUMBER_OF, -1))
        if original is not None:
            original.meta["operands"] = [one.type for one in _operands(found)]


def _operands(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Unnest):
        return list(node.expressions)
    return [one for one in (node.this, node.args.get("expression")) if isinstance(one, exp.Expr)]


def _rewritten(node: exp.Expr) -> exp.Expr:
    """One node as DuckDB needs it."""
    operands = node.meta.get("operands") or []
    if isinstance(node, exp.Div):
        if len(operands) == 2 and all(one is not None and one.is_type(*exp.DataType.INTEGER_TYPES) for one in operands):
            return exp.IntDiv(this=node.this, expression=node.expression)
        return exp.Div(this=node.this, expression=node.expression, typed=False, safe=False)
    if isinstance(node, exp.Add | exp.Sub | exp.DateAdd) and operands:
        first = operands[0]
        days = isinstance(node, exp.DateAdd) or isinstance(node.expression, exp.Interval)
        if first is not None and first.is_type("date") and days and not node.meta.get("cast"):
            copy = node.copy()
            copy.meta["cast"] = True
            copy.meta["operands"] = []
            return exp.cast(copy, "date")
        return node
    if isinstance(node, exp.Unnest):
        return _unnest(node, operands)
    return rewritten_function(node)


def _unnest(node: exp.Unnest, operands: list[Any]) -> exp.Expr:
    """UNNEST of a map, or of an array of rows, into several columns."""
    alias = node.args.get("alias")
    columns = [] if alias is None else alias.args.get("columns") or []
    if len(node.expressions) != 1 or len(columns) < 2 or node.args.get("offset"):
        return node
    kind = operands[0] if operands else None
    value = node.expressions[0]
    if kind is not None and kind.is_type("array"):
        depth = exp.Kwarg(this=exp.var("max_depth"), expression=exp.Literal.number(2))
        inner: exp.Expr = exp.select(exp.func("unnest", value, depth))
    else:
        inner = exp.select(
            exp.alias_(exp.func("unnest", exp.func("map_keys", value)), columns[0].name, quoted=True),
            exp.alias_(exp.func("unnest", exp.func("map_values", value.copy())), columns[1].name, quoted=True),
        )
    return exp.Lateral(this=exp.Subquery(this=inner), alias=alias)
