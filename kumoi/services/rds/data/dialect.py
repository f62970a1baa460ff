"""Statements of PostgreSQL and MySQL as SQLite runs them.

sqlglot parses what the client wrote; the tree is changed where SQLite means something else by the same words, and
written out again. What has no meaning here (session settings, roles, stored procedures, several statements at once)
is refused by name, before anything runs.

Declared types keep their PostgreSQL names in the file, with a second word where SQLite would take a number for a text
(`timestamptz TEXT`): so results know their columns' types. Functions named `kumoi_…` are in `functions.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from kumoi.services.rds.data.result_types import TypeOfColumn, type_of

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what is refused here in words of our own

Engine = Literal["postgres", "mysql"]
Tree = Any
"""A node of sqlglot's; its base class has had two names."""

Kind = Literal["read", "write", "schema", "database"]

_KEPT = exp.DataType.Type
_NAMES = {
    _KEPT.BOOLEAN: "bool",
    _KEPT.SMALLINT: "int2",
    _KEPT.TINYINT: "int2",
    _KEPT.INT: "int4",
    _KEPT.MEDIUMINT: "int4",
    _KEPT.BIGINT: "int8",
    _KEPT.FLOAT: "float4",
    _KEPT.DOUBLE: "float8",
    _KEPT.DECIMAL: "numeric",
    _KEPT.TEXT: "text",
    _KEPT.VARCHAR: "varchar",
    _KEPT.CHAR: "bpchar CHAR",
    _KEPT.UUID: "uuid TEXT",
    _KEPT.JSON: "json TEXT",
    _KEPT.JSONB: "jsonb TEXT",
    _KEPT.DATE: "date TEXT",
    _KEPT.TIME: "time TEXT",
    _KEPT.TIMETZ: "timetz TEXT",
    _KEPT.TIMESTAMP: "timestamp TEXT",
    _KEPT.TIMESTAMPTZ: "timestamptz TEXT",
    _KEPT.TIMESTAMPNTZ: "timestamp TEXT",
    _KEPT.DATETIME: "timestamp TEXT",
    _KEPT.VARBINARY: "bytea BLOB",
    _KEPT.BINARY: "bytea BLOB",
    _KEPT.BLOB: "bytea BLOB",
    _KEPT.LONGTEXT: "text",
    _KEPT.MEDIUMTEXT: "text",
    _KEPT.TINYTEXT: "text",
    _KEPT.UINT: "int8",
    _KEPT.UBIGINT: "int8",
}
_SERIAL = frozenset((_KEPT.SERIAL, _KEPT.BIGSERIAL, _KEPT.SMALLSERIAL))
_CASTS = {
    _KEPT.BOOLEAN: "kumoi_boolean",
    _KEPT.DATE: "kumoi_date",
    _KEPT.TIMESTAMP: "kumoi_timestamp",
    _KEPT.TIMESTAMPTZ: "kumoi_timestamp",
    _KEPT.TIMESTAMPNTZ: "kumoi_timestamp",
    _KEPT.DATETIME: "kumoi_timestamp",
    _KEPT.UUID: "lower",
    _KEPT.JSON: "json",
    _KEPT.JSONB: "json",
}
_PLAIN_CASTS = frozenset(
    (_KEPT.SMALLINT, _KEPT.INT, _KEPT.BIGINT, _KEPT.FLOAT, _KEPT.DOUBLE, _KEPT.TEXT, _KEPT.VARCHAR, _KEPT.CHAR)
)
_NOW = frozenset(("now", "sysdate", "localtime", "clock_timestamp", "statement_timestamp", "transaction_timestamp"))
_VIEWS = frozenset(("tables", "columns"))


class Refused(Exception):
    """A statement that cannot run here; the text says why, in PostgreSQL's words where it has some."""


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
            return type_of(self.columns[number], self.engine, column, _cast_type)
        except RecursionError:  # the sum of a thousand numbers runs all the same
            return ""


@lru_cache(maxsize=1024)
def translate(sql: str, engine: Engine, numerics: frozenset[str] = frozenset()) -> Statement:
    """The statement for SQLite; raises Refused. `numerics` are columns known to be numeric, in lower case."""
    tree = _parse(sql, engine)
    if isinstance(tree, exp.Create | exp.Drop) and str(tree.args.get("kind") or "").upper() == "DATABASE":
        name = next(tree.find_all(exp.Identifier)).name
        lenient = bool(tree.args.get("exists"))
        return Statement("", "database", frozenset(), name, isinstance(tree, exp.Drop), lenient)
    kind = _kind(tree)
    if engine == "postgres":
        _fold_names(tree)
        if isinstance(tree, exp.Select):
            _label(tree)
    if isinstance(tree, exp.TruncateTable):
        if len(tree.expressions) != 1:
            raise Refused("TRUNCATE takes one table here.")
        tree = exp.Delete(this=tree.expressions[0])
    for schema in list(tree.find_all(exp.Schema)):
        _declare(schema)
    if isinstance(tree, exp.Alter):
        for column in tree.args.get("actions") or ():
            if isinstance(column, exp.ColumnDef) and isinstance(column.args.get("kind"), exp.DataType):
                column.set("kind", _type(_declared(column.args["kind"])))
    columns = _computed(tree)
    divides = _divide_numerics(tree, numerics)
    used = frozenset(one.name for one in tree.find_all(exp.Table)) if divides else frozenset()
    named = [] if tree.find(exp.Subquery, exp.With) else tree.find_all(exp.Table)  # theirs are columns of no table
    tables = {one.alias_or_name: one.name for one in named}
    tree = _rewrite(tree)
    names = frozenset(one.name for one in tree.find_all(exp.Placeholder) if one.name)
    try:
        text = tree.sql("sqlite", identify=True, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as problem:
        raise Refused(f"Kumoi's SQLite engine cannot run this: {problem}") from None
    except RecursionError:
        raise Refused("ERROR: stack depth limit exceeded; SQLState: 54001") from None
    return Statement(text, kind, names, engine=engine, columns=columns, tables=tables, source=sql, divides=used)


def _parse(sql: str, engine: Engine) -> Tree:
    if len(sql) > 65_536:
        raise Refused("The SQL statement is longer than 64 KB.")
    try:
        found = [one for one in sqlglot.parse(sql, read=engine) if one is not None]
    except SqlglotError as problem:
        errors = getattr(problem, "errors", None) or [{}]
        near = errors[0].get("highlight") or sql.strip()[:20]
        raise Refused(f'ERROR: syntax error at or near "{near}"; SQLState: 42601') from None
    except RecursionError:
        raise Refused("ERROR: stack depth limit exceeded; SQLState: 54001") from None
    if not found:
        raise Refused("The SQL statement is empty.")
    if len(found) > 1:
        raise Refused("Multistatements aren't supported.")
    return found[0]


def _kind(tree: Tree) -> Kind:
    if isinstance(tree, exp.Query):
        if tree.find(exp.Insert, exp.Update, exp.Delete):
            raise Refused("Kumoi's SQLite engine has no INSERT, UPDATE or DELETE inside of WITH.")
        return "read"
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.TruncateTable):
        return "write"
    if isinstance(tree, exp.Alter):
        return "schema"
    if isinstance(tree, exp.Create | exp.Drop):
        what = str(tree.args.get("kind") or "").upper()
        if what in ("TABLE", "INDEX", "VIEW"):
            return "schema"
        raise Refused(f"Kumoi's SQLite engine has no {what or tree.key.upper()}: tables, indexes, views only.")
    if isinstance(tree, exp.Transaction | exp.Commit | exp.Rollback):
        raise Refused("Transactions are begun and ended with BeginTransaction, CommitTransaction, RollbackTransaction.")
    word = str(tree.this) if isinstance(tree, exp.Command) else tree.key.upper()
    raise Refused(f"Kumoi's SQLite engine does not run {word.upper()} statements.")


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
            real = exp.DataType(this=_KEPT.DOUBLE)
            node.set("this", exp.Cast(this=exp.Paren(this=node.this), to=real))
        columns = columns or node.find(exp.Column) is not None
    return columns


def _holds_numeric(node: Tree, numerics: frozenset[str]) -> bool:
    if isinstance(node, exp.Column):
        return node.name.lower() in numerics
    if isinstance(node, exp.Cast):
        return node.to.this is _KEPT.DECIMAL
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


def _declare(schema: exp.Schema) -> None:
    """Types, keys and identities of a table's columns. Indexes within it, which only make it faster, are left out."""
    for one in list(schema.expressions):
        if isinstance(one, exp.IndexColumnConstraint):
            one.pop()
        elif isinstance(one, exp.UniqueColumnConstraint) and isinstance(one.this, exp.Schema):
            one.this.set("this", None)
    keys = {one.name for key in schema.expressions if isinstance(key, exp.PrimaryKey) for one in key.expressions}
    for column in _columns(schema):
        primary = column.name in keys or bool(column.find(exp.PrimaryKeyColumnConstraint))
        identity = column.find(exp.GeneratedAsIdentityColumnConstraint, exp.AutoIncrementColumnConstraint)
        kind = column.args.get("kind")
        if not isinstance(kind, exp.DataType):
            continue
        if kind.this in _SERIAL or identity:
            if not primary or len(keys) > 1:
                raise Refused(f"{column.name}: numbers of themselves only come to a single primary key here.")
            for key in [one for one in schema.expressions if isinstance(one, exp.PrimaryKey)]:
                key.pop()
            column.set("kind", _type("INTEGER"))
            column.set("constraints", [exp.ColumnConstraint(kind=exp.Var(this="PRIMARY KEY AUTOINCREMENT"))])
            continue
        column.set("kind", _type(_declared(kind)))
        if primary and not column.find(exp.NotNullColumnConstraint):
            column.append("constraints", exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()))


def _columns(schema: exp.Schema) -> Iterator[exp.ColumnDef]:
    return (one for one in schema.expressions if isinstance(one, exp.ColumnDef))


def _declared(kind: exp.DataType) -> str:
    name = _NAMES.get(kind.this)
    if name is None:
        raise Refused(f"Kumoi's SQLite engine has no type {kind.sql('postgres').lower()}.")
    size = ",".join(one.name for one in kind.expressions)
    return f"{name}({size})" if size else name


def _cast_type(kind: exp.DataType) -> str:
    return _declared(kind) if kind.this in _NAMES else ""


def _type(name: str) -> exp.DataType:
    return exp.DataType(this=exp.DataType.Type.USERDEFINED, kind=name)


def _call(name: str, *arguments: Any) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def _rewrite(tree: Tree) -> Tree:
    """Change the nodes that SQLite reads otherwise, the innermost first."""
    for node in reversed(list(tree.bfs())):
        change = _CHANGES.get(type(node))
        changed = node if change is None else change(node)
        if changed is not node:
            if node is tree:
                return changed
            node.replace(changed)
    return tree


def _cast(node: Tree) -> Tree:
    kind = node.to.this
    if kind in _CASTS:
        return _call(_CASTS[kind], node.this)
    if kind in _PLAIN_CASTS or kind is _KEPT.USERDEFINED:
        return exp.Cast(this=node.this, to=exp.DataType(this=kind))
    if kind is _KEPT.DECIMAL:
        return exp.Cast(this=node.this, to=_type("NUMERIC"))
    raise Refused(f"Kumoi's SQLite engine does not cast to {node.to.sql('postgres').lower()}.")


def _table(node: Tree) -> Tree:
    schema = node.text("db").lower()
    if schema == "information_schema":
        if node.name.lower() not in _VIEWS:
            raise Refused(f'ERROR: relation "information_schema.{node.name}" does not exist; SQLState: 42P01')
        node.set("this", exp.to_identifier(f"information_schema_{node.name.lower()}"))
    elif schema not in ("", "public"):
        raise Refused(f'ERROR: schema "{schema}" does not exist; SQLState: 3F000')
    node.set("db", None)
    node.set("catalog", None)
    return node


def _shift(node: Tree) -> Tree:
    interval = node.expression
    if not isinstance(interval, exp.Interval):
        return node
    amount, unit = interval.this, interval.args.get("unit")
    sign = "-" if isinstance(node, exp.Sub) else "+"
    return _call("kumoi_shift", node.this, _text(sign), amount, _text(unit.name.lower() if unit else ""))


def _named(node: Tree) -> Tree:
    """Functions that sqlglot knows by name only."""
    name = node.name.lower()
    if name in _NOW:
        return _call("kumoi_now")
    if name in ("json_build_object", "jsonb_build_object"):
        return _call("json_object", *node.expressions)
    if name == "unix_timestamp" and not node.expressions:
        epoch = _call("kumoi_extract", _text("epoch"), _call("kumoi_now"))
        return exp.Cast(this=epoch, to=exp.DataType(this=_KEPT.BIGINT))
    return node


def _date_shift(node: Tree) -> Tree:
    sign = "+" if isinstance(node, exp.DateAdd) else "-"
    return _call("kumoi_shift", node.this, _text(sign), node.expression, _text(node.unit.name.lower()))


def _on_update(_node: Tree) -> Tree:
    raise Refused("Kumoi's SQLite engine has no ON UPDATE of columns: set them in the statement.")


def _date_part(node: Tree) -> Tree:
    return _call("kumoi_extract", _text(node.this.name.lower()), node.expression)


def _truncated(node: Tree) -> Tree:
    return _call("kumoi_date_trunc", _text(node.unit.name.lower()), node.this)


def _json_text(node: Tree) -> Tree:
    """`->>` is text in PostgreSQL and MySQL; SQLite's own makes numbers of numbers and of truth values."""
    return _call("kumoi_json_text", exp.JSONExtract(this=node.this, expression=node.expression))


def _default(node: Tree) -> Tree:
    if isinstance(node.this, exp.Func | exp.Anonymous):
        node.set("this", exp.Paren(this=node.this))
    return node


def _index(node: Tree) -> Tree:
    node.set("using", None)
    return node


def _ordered(node: Tree) -> Tree:
    if node.find_ancestor(exp.Index, exp.OnConflict):
        node.set("nulls_first", None)
        return exp.Ordered(this=node.this, desc=node.args.get("desc"), nulls_first=not node.args.get("desc"))
    return node


def _create(node: Tree) -> Tree:
    node.set("concurrently", False)
    node.set("properties", None)
    return node


def _conflict(node: Tree) -> Tree:
    if node.args.get("duplicate"):
        for one in node.find_all(exp.Anonymous):
            if one.name.upper() == "VALUES":
                one.replace(exp.column(one.expressions[0].name, table="excluded"))
        node.set("duplicate", False)
        node.set("action", exp.var("DO UPDATE"))
    return node


def _drop(node: Tree) -> Tree:
    node.set("cascade", None)
    node.set("concurrently", False)
    return node


def _any(_node: Tree) -> Tree:
    raise Refused("Array parameters are not supported.")


def _without_lock(node: Tree) -> Tree:
    node.set("locks", None)
    return node


_CHANGES: dict[Any, Callable[[Tree], Tree]] = {
    exp.Add: _shift,
    exp.Anonymous: _named,
    exp.Any: _any,
    exp.Array: _any,
    exp.ByteString: lambda node: _text(node.name),
    exp.Cast: _cast,
    exp.Create: _create,
    exp.CurrentDate: lambda _node: _call("kumoi_today"),
    exp.CurrentTimestamp: lambda _node: _call("kumoi_now"),
    exp.DateAdd: _date_shift,
    exp.DateSub: _date_shift,
    exp.DefaultColumnConstraint: _default,
    exp.Drop: _drop,
    exp.Extract: _date_part,
    exp.IndexParameters: _index,
    exp.JSONExtractScalar: _json_text,
    exp.Left: lambda node: _call("substr", node.this, exp.Literal.number(1), node.expression),
    exp.Localtimestamp: lambda _node: _call("kumoi_now"),
    exp.MD5: lambda node: _call("kumoi_md5", node.this),
    exp.OnConflict: _conflict,
    exp.OnUpdateColumnConstraint: _on_update,
    exp.Ordered: _ordered,
    exp.Rand: lambda _node: _call("kumoi_random"),
    exp.Right: lambda node: _call("substr", node.this, exp.Neg(this=node.expression)),
    exp.Select: _without_lock,
    exp.SplitPart: lambda node: _call("kumoi_split_part", node.this, node.args["delimiter"], node.args["part_index"]),
    exp.Sub: _shift,
    exp.Table: _table,
    exp.TimestampTrunc: _truncated,
    exp.TryCast: _cast,
    exp.UtcTimestamp: lambda _node: _call("kumoi_now"),
    exp.Uuid: lambda _node: _call("kumoi_uuid"),
}
