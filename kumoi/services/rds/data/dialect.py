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

from kumoi.services.rds.data.declarations import cast_type, declare, declare_type
from kumoi.services.rds.data.expressions import rewritten
from kumoi.services.rds.data.inserts import fill
from kumoi.services.rds.data.json_values import build
from kumoi.services.rds.data.lateral import unfold
from kumoi.services.rds.data.parsing import Engine, Kind, Refused, Tree, kind_of, parse, savepoint
from kumoi.services.rds.data.result_types import TypeOfColumn, type_of
from kumoi.services.rds.data.scopes import Known
from kumoi.services.rds.data.set_functions import expand
from kumoi.services.rds.data.system_views import SETTINGS
from kumoi.services.rds.data.table_names import demands, fold, localize
from kumoi.services.rds.data.typed_operators import settle


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as SQLite runs it.

    `database` is the name of one to be created or dropped; `lenient`: IF EXISTS. `columns` are the expressions of the
    result's columns, and `tables` the tables that they may be of, by their aliases. `asks` are the tables whose columns
    decide about how it runs, see `knowing`; `demands` the schemas and types that must exist. `steps` is what takes
    more than one of SQLite's statements: a change of a table, a schema or a type.
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
    asks: frozenset[str] = frozenset()
    demands: frozenset[tuple[str, str]] = frozenset()
    steps: Tree = None

    def knowing(self, known: Known) -> Statement:
        """The same where the tables have these columns."""
        return translate(self.source, self.engine, known) if known else self

    def type_of(self, number: int, of: int, column: TypeOfColumn) -> str:
        """The type of one `of` so many columns of the result, a computed one; empty where nothing tells."""
        stars = [at for at, one in enumerate(self.columns) if one.is_star]
        if stars and number >= stars[0]:  # a star is any number of columns: count from the end
            number -= of
            if number + len(self.columns) <= stars[-1]:
                return ""
        if number >= len(self.columns):
            return ""
        try:
            return type_of(self.columns[number], self.engine, column, cast_type)
        except RecursionError:  # the sum of a thousand numbers runs all the same
            return ""


@lru_cache(maxsize=1024)
def translate(sql: str, engine: Engine, known: Known = ()) -> Statement:
    """The statement for SQLite; raises Refused. `known` are the columns of its tables, where they are known."""
    marked = savepoint(sql)
    if marked:
        return Statement(marked, "savepoint", frozenset(), engine=engine)
    tree = parse(sql, engine)
    if isinstance(tree, exp.Command) and tree.this.upper() == "SHOW" and engine == "postgres":
        return _show(str(tree.expression.name).lower())
    if isinstance(tree, exp.Create | exp.Drop) and str(tree.args.get("kind") or "").upper() == "DATABASE":
        name = next(tree.find_all(exp.Identifier)).name
        lenient = bool(tree.args.get("exists"))
        return Statement("", "database", frozenset(), name, isinstance(tree, exp.Drop), lenient)
    kind = kind_of(tree)
    if engine == "postgres":
        fold(tree)
        if isinstance(tree, exp.Select):
            _label(tree)
    if kind == "catalog":
        return Statement("", "schema", frozenset(), engine=engine, steps=tree)
    if isinstance(tree, exp.TruncateTable):
        if len(tree.expressions) != 1:
            raise Refused("TRUNCATE takes one table here.")
        tree = exp.Delete(this=tree.expressions[0])
    needed = frozenset(demands(tree))
    localize(tree)
    _declare(tree)
    sets = expand(tree, known, engine)
    columns = _computed(tree)
    named = [] if tree.find(exp.Subquery, exp.With) else tree.find_all(exp.Table)  # theirs are columns of no table
    tables = {one.alias_or_name: one.name for one in named}
    used = frozenset(one.name for one in tree.find_all(exp.Table) if one.name)
    asks = [sets, build(tree, known, engine), settle(tree, known, engine), fill(tree, known), unfold(tree, known)]
    tree = rewritten(tree)
    return Statement(
        _written(tree),
        kind,
        frozenset(one.name for one in tree.find_all(exp.Placeholder) if one.name),
        engine=engine,
        columns=columns,
        tables=tables,
        source=sql,
        asks=used if any(asks) else frozenset(),
        demands=needed,
        steps=tree if isinstance(tree, exp.Alter) else None,
    )


def _declare(tree: Tree) -> None:
    """The columns of tables that are made or altered, as SQLite declares them."""
    for schema in list(tree.find_all(exp.Schema)):
        declare(schema)
    for action in (tree.args.get("actions") or ()) if isinstance(tree, exp.Alter) else ():
        column = action.this if isinstance(action, exp.ModifyColumn) else action
        if isinstance(column, exp.ColumnDef) and isinstance(column.args.get("kind"), exp.DataType):
            declare_type(column)


def _written(tree: Tree) -> str:
    level = ErrorLevel.IGNORE if isinstance(tree, exp.Alter) else ErrorLevel.RAISE
    try:
        return str(tree.sql("sqlite", identify=True, unsupported_level=level))
    except SqlglotError as problem:
        raise Refused(f"Kumoi's SQLite engine cannot run this: {problem}") from None
    except RecursionError:
        raise Refused("ERROR: stack depth limit exceeded; SQLState: 54001") from None


def _show(name: str) -> Statement:
    value = SETTINGS.get(name)
    if value is None:
        raise Refused(f'ERROR: unrecognized configuration parameter "{name}"; SQLState: 42704')
    label = "transaction_isolation" if " " in name else name
    told = exp.select(exp.alias_(exp.Literal.string(value), label, quoted=True))
    return Statement(told.sql("sqlite"), "read", frozenset())


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
    exp.JSONArrayAgg: "json_agg",
}


def _computed(tree: Tree) -> tuple[Tree, ...]:
    """The expressions that a result's columns are; `*` is any number of them."""
    returning = tree.args.get("returning")
    columns = tree.selects if isinstance(tree, exp.Query) else returning.expressions if returning else []
    return tuple(one.copy() for one in columns)
