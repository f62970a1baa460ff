"""The columns of tables: their types, keys and identities as SQLite declares them.

Declared types keep their PostgreSQL names in the file, with a second word where SQLite would take a number for a text
(`timestamptz TEXT`): so results know their columns' types.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from kumoi.services.rds.data.parsing import Refused
from kumoi.services.rds.data.table_names import enumeration

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
_SERIAL = {_KEPT.SERIAL: "int4", _KEPT.BIGSERIAL: "int8", _KEPT.SMALLSERIAL: "int2"}


def declare(schema: exp.Schema) -> None:
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
            if (not primary or len(keys) > 1) and not column.find(exp.AutoIncrementColumnConstraint):
                _number_itself(schema, column)
                continue
            if not primary or len(keys) > 1:
                raise Refused(f"{column.name}: numbers of themselves only come to a single primary key here.")
            for key in [one for one in schema.expressions if isinstance(one, exp.PrimaryKey)]:
                key.pop()
            column.set("kind", raw_type("INTEGER"))
            column.set("constraints", [exp.ColumnConstraint(kind=exp.Var(this="PRIMARY KEY AUTOINCREMENT"))])
            continue
        declare_type(column)
        if primary and not column.find(exp.NotNullColumnConstraint):
            column.append("constraints", exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()))


def _number_itself(schema: exp.Schema, column: exp.ColumnDef) -> None:
    """A column that takes its numbers from a sequence of its own."""
    sequence = exp.Literal.string(f"{schema.this.name}_{column.name}_seq")
    number = exp.Anonymous(this="kumoi_nextval", expressions=[sequence])
    kept = [one for one in column.constraints if not isinstance(one.kind, exp.GeneratedAsIdentityColumnConstraint)]
    if not column.find(exp.NotNullColumnConstraint):
        kept.append(exp.ColumnConstraint(kind=exp.NotNullColumnConstraint()))
    kept.append(exp.ColumnConstraint(kind=exp.DefaultColumnConstraint(this=number)))
    kind = column.args["kind"]
    column.set("kind", raw_type(_SERIAL.get(kind.this) or declared(kind)))
    column.set("constraints", kept)


def declare_type(column: exp.ColumnDef) -> None:
    """The column's type as SQLite declares it; enumerations and arrays are held to what their values may be."""
    kind = column.args["kind"]
    named = enumeration(kind)
    value = exp.Column(this=column.this.copy())
    check: exp.Expr | None = None
    if named:
        check = exp.Anonymous(this="kumoi_is_label", expressions=[exp.Literal.string(named), value])
    elif kind.this is _KEPT.ENUM and kind.expressions:
        names = [exp.Literal.string(column.name), value, *(one.copy() for one in kind.expressions)]
        check = exp.Anonymous(this="kumoi_is_one_of", expressions=names)
    elif kind.this is _KEPT.ARRAY:
        check = exp.Anonymous(this="kumoi_is_array", expressions=[value])
    column.set("kind", raw_type(declared(kind)))
    if check is not None:
        column.append("constraints", exp.ColumnConstraint(kind=exp.CheckColumnConstraint(this=check)))


def _columns(schema: exp.Schema) -> Iterator[exp.ColumnDef]:
    return (one for one in schema.expressions if isinstance(one, exp.ColumnDef))


def declared(kind: exp.DataType) -> str:
    """A type as a column declares it; raises Refused."""
    named = enumeration(kind)
    if named:
        return f'"{named}" TEXT'
    if kind.this is _KEPT.ARRAY and kind.expressions:
        return _array(kind)
    if kind.this is _KEPT.ENUM:
        return "varchar"
    name = _NAMES.get(kind.this)
    if name is None:
        raise Refused(f"Kumoi's SQLite engine has no type {kind.sql('postgres').lower()}.")
    size = ",".join(one.name for one in kind.expressions)
    return f"{name}({size})" if size else name


def _array(kind: exp.DataType) -> str:
    inner = kind.expressions[0]
    while inner.this is _KEPT.ARRAY and inner.expressions:
        inner = inner.expressions[0]
    return "_" + declared(inner).partition("(")[0].partition(" ")[0].strip('"') + " TEXT"


def cast_type(kind: exp.DataType) -> str:
    """A type that a cast names; empty for one that no column has."""
    return declared(kind) if kind.this in _NAMES or kind.this is _KEPT.ARRAY else ""


def raw_type(name: str) -> exp.DataType:
    """A type written as it stands."""
    return exp.DataType(this=exp.DataType.Type.USERDEFINED, kind=name)
