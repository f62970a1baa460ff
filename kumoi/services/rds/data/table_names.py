"""The names of a statement as SQLite has them: in lower case unless quoted, and one name for a schema and its table."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from kumoi.services.rds.data.parsing import Refused, Tree
from kumoi.services.rds.data.system_views import CATALOG, INFORMATION

_SYSTEM = {"information_schema": INFORMATION, "pg_catalog": CATALOG}
_OWN = ("", "public")
_SCALARS = (exp.CurrentDatabase, exp.CurrentSchema, exp.CurrentVersion)
"""Functions that stand where tables do (`SELECT * FROM current_schema()`)."""


def fold(tree: Tree) -> None:
    """PostgreSQL's unquoted names, in lower case."""
    for name in tree.find_all(exp.Identifier):
        if not name.quoted:
            name.set("this", name.name.lower())


def localize(tree: Tree) -> None:
    """Give the tables of every schema, and their columns, names of SQLite's one schema."""
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, _SCALARS):
            name = table.this.sql_name().lower()
            one = exp.select(exp.alias_(table.this, name))
            table.replace(exp.Subquery(this=one, alias=exp.TableAlias(this=exp.to_identifier(table.alias or name))))
        else:
            _localize_table(table)
    for dot in list(tree.find_all(exp.Dot)):
        if isinstance(dot.this, exp.Identifier) and dot.this.name.lower() == "pg_catalog":
            dot.replace(dot.expression)  # pg_catalog.version()
    for column in tree.find_all(exp.Column):
        column.set("db", None)
        column.set("catalog", None)
    for returning in tree.find_all(exp.Returning):  # of the one table that changes; SQLite knows no alias of it here
        for column in returning.find_all(exp.Column):
            column.set("table", None)


def demands(tree: Tree) -> Iterator[tuple[str, str]]:
    """The schemas and types that must exist, as ("schema" or "type", name)."""
    if isinstance(tree, exp.Create):
        table = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        if isinstance(table, exp.Table) and table.text("db").lower() not in (*_OWN, "information_schema"):
            yield "schema", table.text("db")
    for kind in tree.find_all(exp.DataType):
        name = enumeration(kind)
        if name:
            yield "type", name


def enumeration(kind: exp.DataType) -> str:
    """The name of the type where it is one that CREATE TYPE makes; else empty."""
    named = kind.args.get("kind") if kind.this is exp.DataType.Type.USERDEFINED else None
    if isinstance(named, exp.Identifier):
        return str(named.name)
    if isinstance(named, exp.Dot):
        schema, name = named.this.name, named.expression.name
        return str(name) if schema in _OWN else f"{schema}.{name}"
    return ""


def _localize_table(node: Tree) -> None:
    schema = node.text("db")
    if not schema and node.name.lower() in CATALOG:
        schema = "pg_catalog"
    system = _SYSTEM.get(schema.lower())
    if system is not None:
        if node.name.lower() not in system:
            raise Refused(f'ERROR: relation "{schema}.{node.name}" does not exist; SQLState: 42P01')
        _rename(node, f"{schema.lower()}_{node.name.lower()}")
    elif schema not in _OWN:
        _rename(node, f"{schema}.{node.name}")
    node.set("db", None)
    node.set("catalog", None)


def _rename(node: Tree, name: str) -> None:
    """Another name for a table; columns still name the one that it had."""
    if not node.alias and isinstance(node.parent, exp.From | exp.Join | exp.Update | exp.Delete):
        node.set("alias", exp.TableAlias(this=node.this.copy()))
    node.set("this", exp.to_identifier(name, quoted=True))
