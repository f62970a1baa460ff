"""JSON built of values by SQLite's functions, which know neither truth values nor arrays nor JSON columns.

Sources: "JSON Functions and Operators" and "Aggregate Functions" of PostgreSQL's manual.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from kumoi.services.rds.data.named_functions import call
from kumoi.services.rds.data.parsing import Engine, Refused, Tree
from kumoi.services.rds.data.result_types import base_of
from kumoi.services.rds.data.scopes import Known, block_of, columns_of, expression_type, owner

_LISTS = ("json_build_array", "jsonb_build_array")
_OBJECTS = ("json_build_object", "jsonb_build_object")
_ONE = ("to_json", "to_jsonb", "row_to_json")
_GROUPS = ("json_agg", "jsonb_agg")
_GROUPED_OBJECTS = ("json_object_agg", "jsonb_object_agg")
_AGGREGATES: dict[Any, str] = {
    exp.JSONArrayAgg: "json_agg",
    exp.JSONBObjectAgg: "jsonb_object_agg",
    exp.JSONObjectAgg: "json_object_agg",
}
_BUILT = frozenset((*_LISTS, *_OBJECTS, *_ONE, *_GROUPS, *_GROUPED_OBJECTS))


def build(tree: Tree, known: Known, engine: Engine) -> bool:
    """Have SQLite build what the statement builds, the innermost first. Whether columns are among the values."""
    found = [node for node in tree.find_all(exp.Anonymous, *_AGGREGATES) if _name(node) in _BUILT]
    for node in reversed(found):
        node.replace(_built(node, known, engine))
    return any(node.find(exp.Column) is not None for node in found)


def _name(node: Tree) -> str:
    return _AGGREGATES[type(node)] if type(node) in _AGGREGATES else str(node.name).lower()


def _built(node: Tree, known: Known, engine: Engine) -> Tree:
    name = _name(node)
    given = list(node.expressions) or [one for one in (node.this, node.args.get("expression")) if one is not None]

    def value(one: Tree) -> Tree:
        return _value(one, known, engine)

    if name in _LISTS:
        return call("json_array", *map(value, given))
    if name in _OBJECTS:
        return call("json_object", *(value(one) if at % 2 else one for at, one in enumerate(given)))
    if not given:
        raise Refused(f"ERROR: function {name}() does not exist; SQLState: 42883")
    if name in _ONE:
        return _json(call("json_quote", value(given[0])))
    if name in _GROUPED_OBJECTS:
        return call("json_group_object", given[0], *map(value, given[1:]))
    ordered = given[0]
    if isinstance(ordered, exp.Order):
        ordered.set("this", value(ordered.this))
    else:
        ordered = value(ordered)
    return exp.Nullif(this=call("json_group_array", ordered), expression=exp.Literal.string("[]"))


def _value(node: Tree, known: Known, engine: Engine) -> Tree:
    """A value that SQLite's functions take for what it is."""
    if isinstance(node, exp.Column):
        row = _row(node, known, engine)
        if row is not None:
            return row
    kind = base_of(expression_type(node, known, engine))
    inner = node.copy() if node.parent is not None else node
    if kind == "bool":
        inner = exp.Paren(this=inner)
        truths = [exp.If(this=inner, true=exp.Literal.string("true"))]
        truths.append(exp.If(this=exp.Not(this=inner.copy()), true=exp.Literal.string("false")))
        return _json(exp.Case(ifs=truths))
    if kind in ("json", "jsonb"):
        return _json(inner)
    if kind.startswith("_"):
        return _json(call("kumoi_array_json", inner, exp.Literal.string(kind)))
    if kind in ("timestamp", "timestamptz"):
        text = call("replace", inner, exp.Literal.string(" "), exp.Literal.string("T"))
        return text if kind == "timestamp" else exp.DPipe(this=text, expression=exp.Literal.string("+00:00"))
    return inner


def _row(node: exp.Column, known: Known, engine: Engine) -> Tree:
    """The row of a source that is named like a column (`json_agg(t)`, `json_agg(t.*)`); None for what is a column."""
    name = node.table if node.is_star else "" if node.table else node.name
    held = owner(name, block_of(node)) if name else None
    if held is None:
        return None
    source, _ = held
    if not node.is_star and name in columns_of(source, known):
        return None
    pairs: list[Tree] = []
    for column in columns_of(source, known):
        inner = exp.column(column, table=name, quoted=True)
        inner.parent = node.parent  # its type is asked for where it will stand
        pairs += [exp.Literal.string(column), _value(inner, known, engine)]
    return call("json_object", *pairs)


def _json(node: Tree) -> Tree:
    return call("json", node)
