"""Values that an INSERT leaves to the table: SQLite has no DEFAULT among values, and wants a value for every column."""

from __future__ import annotations

from sqlglot import exp

from kumoi.services.rds.data.parsing import Refused, Tree
from kumoi.services.rds.data.scopes import Known


def fill(tree: Tree, known: Known) -> bool:
    """Put defaults where an INSERT says DEFAULT, or nothing. Whether that needs to know the table's columns."""
    rows = tree.expression if isinstance(tree, exp.Insert) else None
    named = isinstance(tree, exp.Insert) and isinstance(tree.this, exp.Schema)
    if not isinstance(rows, exp.Values) or (named and not any(map(_is_default, rows.find_all(exp.Var)))):
        return False
    table = tree.this.this if named else tree.this
    defaults = {one.name: one.default for one in known if one.table == table.name}
    columns = [one.name for one in tree.this.expressions] if named else list(defaults)
    for row in rows.expressions:
        values = _values(row)
        if known and len(values) > len(columns):
            raise Refused("ERROR: INSERT has more expressions than target columns; SQLState: 42601")
        for column, value in zip(columns, values, strict=False):
            if _is_default(value):
                value.replace(exp.Var(this=defaults.get(column) or "NULL"))
    given = max(len(_values(row)) for row in rows.expressions)
    if not named and 0 < given < len(columns):
        places = [exp.to_identifier(column, quoted=True) for column in columns[:given]]
        tree.set("this", exp.Schema(this=table, expressions=places))
    return True


def _values(row: Tree) -> list[Tree]:
    return list(row.expressions) if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]


def _is_default(node: Tree) -> bool:
    return isinstance(node, exp.Var) and node.name.upper() == "DEFAULT"
