"""DEFAULT among the values of an INSERT, which SQLite has not: what the column has by default stands there instead."""

from __future__ import annotations

from sqlglot import exp

from kumoi.services.rds.data.parsing import Refused, Tree
from kumoi.services.rds.data.scopes import Known


def fill(tree: Tree, known: Known) -> bool:
    """Put defaults where an INSERT says DEFAULT. Whether that needs to know the table's columns."""
    rows = tree.expression if isinstance(tree, exp.Insert) else None
    if not isinstance(rows, exp.Values) or not any(map(_is_default, rows.find_all(exp.Var))):
        return False
    named = isinstance(tree.this, exp.Schema)
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
    return True


def _values(row: Tree) -> list[Tree]:
    return list(row.expressions) if isinstance(row, exp.Tuple) else [row.this if isinstance(row, exp.Paren) else row]


def _is_default(node: Tree) -> bool:
    return isinstance(node, exp.Var) and node.name.upper() == "DEFAULT"
