"""Operators whose meaning depends on the types of what they stand between.

Numerics divide as real numbers, which SQLite may hold as whole ones; nothing divides by zero; `@>`, `||` and `-` are of
arrays and JSON, too; dates differ by days. Sources: "Mathematical Functions and Operators", "Array Functions and
Operators", "JSON Functions and Operators", "Date/Time Functions and Operators" of PostgreSQL's manual.
"""

from __future__ import annotations

from sqlglot import exp

from kumoi.services.rds.data.parsing import Engine, Tree
from kumoi.services.rds.data.result_types import base_of
from kumoi.services.rds.data.scopes import Known, expression_type

_OPERATORS = (exp.Add, exp.ArrayContainsAll, exp.Div, exp.DPipe, exp.Mod, exp.Sub)
_JSON = frozenset(("json", "jsonb"))


def settle(tree: Tree, known: Known, engine: Engine) -> bool:
    """Change the operators for what their operands are. Whether columns are among those."""
    found = list(tree.find_all(*_OPERATORS))
    for node in reversed(found):
        if isinstance(node, exp.Div | exp.Mod):
            _settle_division(node, known, engine)
        else:
            _settle_other(node, [base_of(expression_type(one, known, engine)) for one in (node.this, node.expression)])
    asking = (one for one in found if not isinstance(one, exp.Mod) and not isinstance(one.expression, exp.Interval))
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


def _settle_other(node: Tree, types: list[str]) -> None:
    """Containment, concatenation and differences; those of numbers and texts are SQLite's own."""
    left, right = node.this, node.expression
    json, arrays = any(one in _JSON for one in types), any(one.startswith("_") for one in types)
    name = ""
    if isinstance(node, exp.ArrayContainsAll):
        name = "kumoi_json_contains" if json else "kumoi_array_contains"
    elif isinstance(node, exp.DPipe):
        name = "kumoi_json_join" if json else "kumoi_array_join" if arrays else ""
    elif isinstance(node, exp.Sub) and types[0] in _JSON:
        name = "kumoi_json_without"
    elif isinstance(node, exp.Sub) and types == ["date", "date"]:
        name = "kumoi_days"
    elif types[0] == "date" and types[1] in ("int2", "int4", "int8"):
        sign = exp.Literal.string("-" if isinstance(node, exp.Sub) else "+")
        moved = exp.Anonymous(this="kumoi_shift", expressions=[left, sign, right, exp.Literal.string("day")])
        node.replace(exp.Anonymous(this="kumoi_date", expressions=[moved]))
    if name:
        node.replace(exp.Anonymous(this=name, expressions=[left, right]))
