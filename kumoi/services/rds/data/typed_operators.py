"""Operators whose meaning depends on the types of what they stand between.

Numerics divide as real numbers, which SQLite may hold as whole ones; nothing divides by zero; `@>` is of arrays or of
JSON. Sources: "Mathematical Functions and Operators", "Array Functions and Operators", "JSON Functions and Operators"
of PostgreSQL's manual.
"""

from __future__ import annotations

from sqlglot import exp

from kumoi.services.rds.data.parsing import Engine, Tree
from kumoi.services.rds.data.result_types import base_of
from kumoi.services.rds.data.scopes import Known, expression_type

_JSON = frozenset(("json", "jsonb"))


def settle(tree: Tree, known: Known, engine: Engine) -> bool:
    """Change the operators for what their operands are. Whether columns are among those."""
    found = list(tree.find_all(exp.Div, exp.Mod, exp.ArrayContainsAll))
    for node in reversed(found):
        if isinstance(node, exp.ArrayContainsAll):
            _settle_containment(node, known, engine)
        else:
            _settle_division(node, known, engine)
    asking = (one for one in found if not isinstance(one, exp.Mod))
    return any(node.find(exp.Column) is not None for node in asking)


def _settle_division(node: Tree, known: Known, engine: Engine) -> None:
    left, right = node.this, node.expression
    if isinstance(node, exp.Div) and any(
        base_of(expression_type(one, known, engine)) == "numeric" for one in (left, right)
    ):
        node.set("this", exp.Cast(this=exp.Paren(this=left), to=exp.DataType(this=exp.DataType.Type.DOUBLE)))
    if engine == "postgres" and not (isinstance(right, exp.Literal) and float(right.name)):
        inner = right.this if isinstance(right, exp.Paren) else right
        node.set("expression", exp.Anonymous(this="kumoi_divisor", expressions=[inner]))


def _settle_containment(node: Tree, known: Known, engine: Engine) -> None:
    sides = (node.this, node.expression)
    json = any(base_of(expression_type(one, known, engine)) in _JSON for one in sides)
    name = "kumoi_json_contains" if json else "kumoi_array_contains"
    node.replace(exp.Anonymous(this=name, expressions=list(sides)))
