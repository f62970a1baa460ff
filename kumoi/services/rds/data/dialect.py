"""Statements of PostgreSQL and MySQL as SQLite runs them.

sqlglot parses what the client wrote; the tree is changed where SQLite means something else by the same words, and
written out again. What has no meaning here (session settings, roles, stored procedures, several statements at once)
is refused by name, before anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from kumoi.services.rds.data.declarations import cast_type, declare, declared, raw_type
from kumoi.services.rds.data.expressions import rewritten
from kumoi.services.rds.data.parsing import Engine, Kind, Refused, Tree, kind_of, parse
from kumoi.services.rds.data.result_types import TypeOfColumn, type_of


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as SQLite runs it.

    `database` is the name of one to be created or dropped; `lenient`: IF EXISTS. `columns` are the expressions of the
    result's columns, and `tables` the tables that they may be of, by their aliases. `divides` are the tables of a
    statement that divides columns: which of those are numeric decides about how, see `knowing`.
    """

    sql: str
    kind: Kind
    placeholders: frozenset[str]
    database: str = ""
    dropped: bool = False
    lenient: bool = False
    engine: Engine = "postgres"
    columns: tuple[Tree, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    divides: frozenset[str] = frozenset()

    def knowing(self, numerics: frozenset[str]) -> Statement:
        """The same where these columns are numeric."""
        return translate(self.source, self.engine, numerics) if numerics else self

    def type_of(self, number: int, column: TypeOfColumn) -> str:
        """The type of a computed column of the result; empty where nothing tells."""
        if number >= len(self.columns):
            return ""
        try:
            return type_of(self.columns[number], self.engine, column, cast_type)
        except RecursionError:  # the sum of a thousand numbers runs all the same
            return ""


@lru_cache(maxsize=1024)
def translate(sql: str, engine: Engine, numerics: frozenset[str] = frozenset()) -> Statement:
    """The statement for SQLite; raises Refused. `numerics` are columns known to be numeric, in lower case."""
    tree = parse(sql, engine)
    if isinstance(tree, exp.Create | exp.Drop) and str(tree.args.get("kind") or "").upper() == "DATABASE":
        name = next(tree.find_all(exp.Identifier)).name
        lenient = bool(tree.args.get("exists"))
        return Statement("", "database", frozenset(), name, isinstance(tree, exp.Drop), lenient)
    kind = kind_of(tree)
    if engine == "postgres":
        _fold_names(tree)
        if isinstance(tree, exp.Select):
            _label(tree)
    if isinstance(tree, exp.TruncateTable):
        if len(tree.expressions) != 1:
            raise Refused("TRUNCATE takes one table here.")
        tree = exp.Delete(this=tree.expressions[0])
    for schema in list(tree.find_all(exp.Schema)):
        declare(schema)
    if isinstance(tree, exp.Alter):
        for column in tree.args.get("actions") or ():
            if isinstance(column, exp.ColumnDef) and isinstance(column.args.get("kind"), exp.DataType):
                column.set("kind", raw_type(declared(column.args["kind"])))
    columns = _computed(tree)
    divides = _divide_numerics(tree, numerics)
    used = frozenset(one.name for one in tree.find_all(exp.Table)) if divides else frozenset()
    named = [] if tree.find(exp.Subquery, exp.With) else tree.find_all(exp.Table)  # theirs are columns of no table
    tables = {one.alias_or_name: one.name for one in named}
    tree = rewritten(tree)
    names = frozenset(one.name for one in tree.find_all(exp.Placeholder) if one.name)
    try:
        text = tree.sql("sqlite", identify=True, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as problem:
        raise Refused(f"Kumoi's SQLite engine cannot run this: {problem}") from None
    except RecursionError:
        raise Refused("ERROR: stack depth limit exceeded; SQLState: 54001") from None
    return Statement(text, kind, names, engine=engine, columns=columns, tables=tables, source=sql, divides=used)


def _fold_names(tree: Tree) -> None:
    for name in tree.find_all(exp.Identifier):
        if not name.quoted:
            name.set("this", name.name.lower())


def _label(select: exp.Select) -> None:
    """Name the columns of a result as PostgreSQL does where the client does not."""
    for at, one in enumerate(select.expressions):
        if isinstance(one, exp.Column | exp.Alias | exp.Star) or one.is_star:
            continue
        inner = one
        while isinstance(inner, exp.Cast | exp.Paren):
            inner = inner.this
        if isinstance(inner, exp.Column):
            label = inner.name
        elif isinstance(inner, exp.Anonymous):
            label = inner.name.lower()
        elif isinstance(inner, exp.Func) and not isinstance(inner, exp.Binary):
            label = _FUNCTION_LABELS.get(type(inner), inner.sql_name().lower())
        else:
            label = "?column?"
        select.expressions[at].replace(exp.alias_(one.copy(), label, quoted=True))


_FUNCTION_LABELS: dict[Any, str] = {
    exp.CurrentTimestamp: "now",
    exp.TimestampTrunc: "date_trunc",
    exp.Uuid: "gen_random_uuid",
    exp.GroupConcat: "string_agg",
}


def _divide_numerics(tree: Tree, numerics: frozenset[str]) -> bool:
    """Divide numerics as real numbers: SQLite may hold them as whole ones. Whether a column is divided, or by one."""
    columns = False
    for node in list(tree.find_all(exp.Div)):
        if _holds_numeric(node.this, numerics) or _holds_numeric(node.expression, numerics):
            real = exp.DataType(this=exp.DataType.Type.DOUBLE)
            node.set("this", exp.Cast(this=exp.Paren(this=node.this), to=real))
        columns = columns or node.find(exp.Column) is not None
    return columns


def _holds_numeric(node: Tree, numerics: frozenset[str]) -> bool:
    if isinstance(node, exp.Column):
        return node.name.lower() in numerics
    if isinstance(node, exp.Cast):
        return node.to.this is exp.DataType.Type.DECIMAL
    if isinstance(node, exp.Paren | exp.Neg | exp.Sum | exp.Min | exp.Max | exp.Coalesce | exp.Round):
        return _holds_numeric(node.this, numerics)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return _holds_numeric(node.this, numerics) or _holds_numeric(node.expression, numerics)
    return False


def _computed(tree: Tree) -> tuple[Tree, ...]:
    """The expressions that a result's columns are; none beside `*`, which is any number."""
    returning = tree.args.get("returning")
    columns = tree.selects if isinstance(tree, exp.Query) else returning.expressions if returning else []
    return () if any(one.is_star for one in columns) else tuple(one.copy() for one in columns)
