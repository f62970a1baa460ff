"""The types of computed columns: what PostgreSQL and MySQL make of an expression, where SQLite tells nothing. Pure.

Types are written as columns declare them: `int4`, `numeric(10,2)`; empty where nothing tells. Rules: "Numeric Types",
"Mathematical Functions", "Aggregate Functions" of PostgreSQL's manual; MySQL's sums and averages are decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

TypeOfColumn = Callable[[str, str], str]
"""The declared type of (table or its alias, empty for any; column)."""

_INTEGERS = frozenset(("int2", "int4", "int8"))
_FLOATS = frozenset(("float4", "float8"))
_TRUTHS = (
    exp.JSONBContainsTopKey,
    exp.ArrayContainsAll,
    exp.ArrayOverlaps,
    exp.RegexpILike,
    exp.RegexpLike,
    exp.Predicate,
    exp.Connector,
    exp.Not,
    exp.Boolean,
    exp.Exists,
    exp.LogicalAnd,
    exp.LogicalOr,
)
_JSON = frozenset(("json", "jsonb"))
_NAMED = {  # PostgreSQL's, and SQLite's that stand for them
    **dict.fromkeys(["json", "json_array", "json_object", "json_group_array", "json_group_object"], "json"),
    **dict.fromkeys(["json_build_array", "json_build_object", "json_object_agg", "to_json", "row_to_json"], "json"),
    **dict.fromkeys(["jsonb_build_array", "jsonb_build_object", "jsonb_object_agg", "to_jsonb", "jsonb_agg"], "jsonb"),
    **dict.fromkeys(["jsonb_set", "jsonb_strip_nulls"], "jsonb"),
}
_MOST_DIGITS = 38


def type_of(node: Any, engine: str, column: TypeOfColumn, declared: Callable[[exp.DataType], str]) -> str:
    """The type of an expression; `declared` writes a type that a cast names."""

    def of(inner: Any) -> str:
        return type_of(inner, engine, column, declared)

    if isinstance(node, exp.Alias | exp.Paren | exp.Neg | exp.Abs | exp.Min | exp.Max):
        return of(node.this)
    if isinstance(node, exp.Column):
        return column(node.table, node.name)
    if isinstance(node, exp.Cast):
        return declared(node.to)
    if isinstance(node, exp.JSONExtractScalar):
        return "text"
    if isinstance(node, exp.JSONArrayAgg | exp.JSONExtract | exp.JSONObjectAgg):
        return "json"
    if isinstance(node, exp.JSONBExtract | exp.JSONBObjectAgg):
        return "jsonb"
    if isinstance(node, exp.JSONBExtractScalar):
        return "text"
    if isinstance(node, exp.ArrayAppend | exp.ArrayConcat):
        return of(node.this)
    if isinstance(node, exp.DPipe):
        sides = [of(node.this), of(node.expression)]
        return next((one for one in sides if base_of(one) in _JSON or one.startswith("_")), "text")
    if isinstance(node, exp.Array):
        return "_" + (base_of(of(node.expressions[0])) or "text" if node.expressions else "text")
    if isinstance(node, exp.ArrayAgg):
        inner = node.this.this if isinstance(node.this, exp.Order | exp.Distinct) else node.this
        return "_" + (base_of(of(inner)) or "text")
    if isinstance(node, exp.Anonymous):
        return _NAMED.get(str(node.name).lower(), "")
    if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select) and len(node.this.selects) == 1:
        found = of(node.this.selects[0])  # its columns are not ours to look up
        return found if found in _JSON else ""
    if isinstance(node, exp.Nullif):
        return of(node.this)
    if isinstance(node, exp.Literal):
        return "" if node.is_string else "numeric" if re.search("[.eE]", node.name) else "int4"
    if isinstance(node, exp.Coalesce | exp.Case):
        branches = [one.args.get("true") for one in node.args.get("ifs") or ()]
        branches += [node.args.get("default")] if isinstance(node, exp.Case) else [node.this, *node.expressions]
        return _common({of(one) for one in branches if one is not None})
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div | exp.Mod):
        return _arithmetic(node, of(node.this), of(node.expression), engine)
    if isinstance(node, exp.Sum | exp.Avg | exp.Round):
        return _rounded(node, of(node.this), engine)
    return "bool" if engine == "postgres" and isinstance(node, _TRUTHS) else ""


def base_of(name: str) -> str:
    """The name of a type alone, without its size."""
    return name.partition("(")[0].partition(" ")[0].strip('"')


def _scale(name: str) -> int | None:
    """The digits after the point of an exact number; None where they are not told."""
    if base_of(name) in _INTEGERS:
        return 0
    found = re.search(r",(\d+)\)", name)
    return int(found[1]) if found else None


def _numeric(scale: int | None) -> str:
    return "numeric" if scale is None or scale > _MOST_DIGITS else f"numeric({_MOST_DIGITS},{scale})"


def _common(types: set[str]) -> str:
    """The type of what has one of several."""
    told = types - {""}
    if len(told) <= 1:
        return told.pop() if told else ""
    bases = {base_of(name) for name in told}
    if bases <= _INTEGERS:
        return "int8"
    if bases <= _INTEGERS | {"numeric"}:
        scales = [one for one in map(_scale, told) if one is not None]
        return _numeric(max(scales) if len(scales) == len(told) else None)
    if len(bases) == 1:
        return bases.pop()
    return "float8" if bases <= _INTEGERS | _FLOATS | {"numeric"} else ""


def _arithmetic(node: Any, left: str, right: str, engine: str) -> str:
    bases = {base_of(left), base_of(right)}
    if base_of(left) in _JSON:
        return left
    if base_of(left) == "date":
        return "int4" if bases == {"date"} else "date" if base_of(right) in _INTEGERS else ""
    if bases & _FLOATS:
        return "float8"
    if "numeric" in bases or (engine == "mysql" and isinstance(node, exp.Div) and bases <= _INTEGERS):
        scales = [one for one in (_scale(left), _scale(right)) if one is not None]
        if len(scales) < 2 or isinstance(node, exp.Div):
            return "numeric"
        return _numeric(sum(scales) if isinstance(node, exp.Mul) else max(scales))
    return "int8" if bases <= _INTEGERS else ""


def _rounded(node: Any, inner: str, engine: str) -> str:
    """Of sums, averages and rounded numbers."""
    base = base_of(inner)
    if base in _FLOATS:
        return "float8"
    if base not in _INTEGERS | {"numeric"}:
        return ""
    if isinstance(node, exp.Sum):
        small = engine == "postgres" and base in ("int2", "int4")
        return "int8" if small else _numeric(_scale(inner))
    if isinstance(node, exp.Round):
        digits = node.args.get("decimals")
        return _numeric(int(digits.name) if isinstance(digits, exp.Literal) and digits.name.isdigit() else None)
    return "numeric"
