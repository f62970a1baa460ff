"""Expressions that SQLite reads otherwise, or not at all, as it has them; `kumoi_…` functions are in `functions.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from kumoi.services.rds.data.declarations import raw_type
from kumoi.services.rds.data.named_functions import call, named
from kumoi.services.rds.data.parsing import Refused, Tree
from kumoi.services.rds.data.table_names import enumeration

_KEPT = exp.DataType.Type
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


def rewritten(tree: Tree) -> Tree:
    """Change the nodes that SQLite reads otherwise, the innermost first."""
    for node in reversed(list(tree.bfs())):
        change = _CHANGES.get(type(node))
        changed = node if change is None else change(node)
        if changed is not node:
            if node is tree:
                return changed
            node.replace(changed)
    return tree


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def _cast(node: Tree) -> Tree:
    kind = node.to.this
    named = enumeration(node.to)
    if named:
        return call("kumoi_enum", _text(named), node.this)
    if kind is _KEPT.ARRAY:
        return call("kumoi_array", node.this)
    if kind in _CASTS:
        return call(_CASTS[kind], node.this)
    if kind in _PLAIN_CASTS or kind is _KEPT.USERDEFINED:
        return exp.Cast(this=node.this, to=exp.DataType(this=kind))
    if kind is _KEPT.DECIMAL:
        return exp.Cast(this=node.this, to=raw_type("NUMERIC"))
    raise Refused(f"Kumoi's SQLite engine does not cast to {node.to.sql('postgres').lower()}.")


def _shift(node: Tree) -> Tree:
    interval = node.expression
    if not isinstance(interval, exp.Interval):
        return node
    amount, unit = interval.this, interval.args.get("unit")
    sign = "-" if isinstance(node, exp.Sub) else "+"
    return call("kumoi_shift", node.this, _text(sign), amount, _text(unit.name.lower() if unit else ""))


def _date_shift(node: Tree) -> Tree:
    sign = "-" if isinstance(node, exp.DateSub) else "+"
    return call("kumoi_shift", node.this, _text(sign), node.expression, _text(node.unit.name.lower()))


def _on_update(_node: Tree) -> Tree:
    raise Refused("Kumoi's SQLite engine has no ON UPDATE of columns: set them in the statement.")


def _date_part(node: Tree) -> Tree:
    return call("kumoi_extract", _text(node.this.name.lower()), node.expression)


def _truncated(node: Tree) -> Tree:
    return call("kumoi_date_trunc", _text(node.unit.name.lower()), node.this)


def _json_text(node: Tree) -> Tree:
    """`->>` is text in PostgreSQL and MySQL; SQLite's own makes numbers of numbers and of truth values."""
    return call("kumoi_json_text", exp.JSONExtract(this=node.this, expression=node.expression))


def _default(node: Tree) -> Tree:
    if not isinstance(node.this, exp.Literal | exp.Null | exp.Boolean | exp.Paren):
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
        rows = node.parent.expression if isinstance(node.parent, exp.Insert) else None
        alias = rows.alias if isinstance(rows, exp.Values) else ""
        if rows is not None and alias:  # VALUES (…) AS new ON DUPLICATE KEY UPDATE n = new.n
            rows.set("alias", None)
            for column in node.find_all(exp.Column):
                if column.table == alias:
                    column.set("table", exp.to_identifier("excluded"))
        for one in node.find_all(exp.Anonymous):
            if one.name.upper() == "VALUES":
                one.replace(exp.column(one.expressions[0].name, table="excluded"))
        node.set("duplicate", False)
        node.set("action", exp.var("DO UPDATE"))
    return node


def _drop(node: Tree) -> Tree:
    node.set("cascade", None)
    node.set("cluster", None)  # DROP INDEX … ON a table
    node.set("concurrently", False)
    return node


def _of_date(name: str) -> Callable[[Tree], Tree]:
    """A field of a date, which sqlglot has put into a cast."""
    return lambda node: call(
        f"kumoi_my_{name}", node.this.this if isinstance(node.this, exp.TsOrDsToDate) else node.this
    )


def _any(node: Tree) -> Tree:
    if isinstance(node.parent, exp.EQ) and not isinstance(node.this.unnest(), exp.Placeholder):
        return node
    raise Refused("Array parameters are not supported.")


def _differs(node: Tree) -> Tree:
    """`value <> ALL (array)`."""
    right = node.expression
    if isinstance(right, exp.Anonymous) and right.name.lower() == "all" and len(right.expressions) == 1:
        array = right.expressions[0]
        if isinstance(array, exp.Query):
            return exp.Not(this=exp.In(this=node.this, query=exp.Subquery(this=array)))
        return exp.Not(this=call("kumoi_array_has", array, node.this))
    return node


def _with_names(node: Tree) -> Tree:
    """Rows whose columns an alias names: `(VALUES (…)) AS rows(a, b)`."""
    alias = node.args.get("alias")
    names = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    if not names or not isinstance(node.parent, exp.From | exp.Join):
        return node
    inner = node.copy()
    inner.set("alias", None)
    if isinstance(node, exp.Values):
        given = [exp.column(f"column{at + 1}") for at in range(len(names))]
        query = exp.select(*(exp.alias_(one, name.copy()) for one, name in zip(given, names, strict=True)))
        query = query.from_(inner)
    else:
        query = inner.this
        for one, name in zip(query.selects, names, strict=False):
            one.replace(exp.alias_(one.unalias(), name.copy()))
    return exp.Subquery(this=query, alias=exp.TableAlias(this=alias.this.copy()))


def _array(node: Tree) -> Tree:
    query = node.expressions[0] if len(node.expressions) == 1 else None
    if not isinstance(query, exp.Select):
        return call("kumoi_array_of", *node.expressions)
    column = exp.Column(this=exp.to_identifier(query.selects[0].alias_or_name, quoted=True))
    grouped = exp.select(call("json_group_array", column)).from_(exp.Subquery(this=query))
    return call("kumoi_array_from_json", exp.Subquery(this=grouped))


def _in_zone(node: Tree) -> Tree:
    """Times are kept in UTC."""
    if node.args["zone"].name.upper() not in ("UTC", "GMT", "Z"):
        raise Refused("Kumoi's SQLite engine knows no time zone but UTC.")
    return node.this


def _padded(node: Tree) -> Tree:
    name = "kumoi_pad_left" if node.args.get("is_left") else "kumoi_pad_right"
    return call(name, *filter(None, (node.this, node.expression, node.args.get("fill_pattern"))))


def _regexp_replace(node: Tree) -> Tree:
    flags = node.args.get("modifiers")
    return call("kumoi_regexp_replace", node.this, node.expression, node.args["replacement"], *filter(None, (flags,)))


def _equals(node: Tree) -> Tree:
    """`value = ANY(array)`."""
    right = node.expression
    if not isinstance(right, exp.Any):
        return node
    array = right.this.this if isinstance(right.this, exp.Paren) else right.this
    if isinstance(array, exp.Query):
        return exp.In(this=node.this, query=array if isinstance(array, exp.Subquery) else exp.Subquery(this=array))
    return call("kumoi_array_has", array, node.this)


def _united(node: Tree) -> Tree:
    """A query of a UNION without its parentheses, or as a table where it has an order or a limit of its own."""
    for side in ("this", "expression"):
        query = node.args[side]
        if isinstance(query, exp.Subquery) and not query.alias:
            inner = query.this
            bounded = any(inner.args.get(one) for one in ("order", "limit", "offset"))
            node.set(side, exp.select("*").from_(exp.Subquery(this=inner)) if bounded else inner)
    return node


def _array_of_rows(node: Tree) -> Tree:
    """`array_agg(value ORDER BY …)`."""
    grouped = exp.Nullif(this=call("json_group_array", node.this), expression=_text("[]"))
    return call("kumoi_array_from_json", grouped)


def _matches(node: Tree) -> Tree:
    """`~` and `~*`."""
    name = "kumoi_matches_any_case" if isinstance(node, exp.RegexpILike) else "kumoi_matches"
    return call(name, node.this, node.expression)


def _without_lock(node: Tree) -> Tree:
    node.set("locks", None)
    return node


def _truncated_number(node: Tree) -> Tree:
    digits = node.args.get("decimals")
    return node if digits is None else call("kumoi_my_truncate", node.this, digits)


def _pair(name: str) -> Callable[[Tree], Tree]:
    return lambda node: call(name, node.this, node.expression)


_CHANGES: dict[Any, Callable[[Tree], Tree]] = {
    exp.Add: _shift,
    exp.Anonymous: named,
    exp.Any: _any,
    exp.Array: _array,
    exp.ArrayAgg: _array_of_rows,
    exp.ArrayAppend: _pair("kumoi_array_append"),
    exp.ArrayConcat: lambda node: call("kumoi_array_join", node.this, *node.expressions),
    exp.ArrayOverlaps: lambda node: call("kumoi_array_overlaps", node.this, node.expression),
    exp.ArrayPosition: _pair("kumoi_array_place"),
    exp.ArrayToString: lambda node: call(
        "kumoi_array_text", *filter(None, (node.this, node.expression, node.args.get("null")))
    ),
    exp.Ascii: lambda node: call("kumoi_ascii", node.this),
    exp.AtTimeZone: _in_zone,
    exp.ArraySize: lambda node: call("kumoi_array_length", node.this),
    exp.ByteString: lambda node: _text(node.name),
    exp.Cast: _cast,
    exp.Create: _create,
    exp.CurrentDate: lambda _node: call("kumoi_today"),
    exp.CurrentTimestamp: lambda _node: call("kumoi_now"),
    exp.CurrentDatabase: lambda _node: call("kumoi_database"),
    exp.CurrentSchema: lambda _node: call("kumoi_schema"),
    exp.CurrentVersion: lambda _node: call("kumoi_version"),
    **{
        getattr(exp, name): _of_date(name.lower())
        for name in ("Year", "Quarter", "Month", "Week", "Day", "DayOfMonth", "DayOfWeek", "DayOfYear")
    },
    exp.Hour: _of_date("hour"),
    exp.LastDay: _of_date("last_day"),
    exp.Minute: _of_date("minute"),
    exp.Second: _of_date("second"),
    exp.SHA2: lambda node: call("kumoi_my_sha2", node.this, node.args.get("length") or exp.Literal.number(256)),
    exp.StrToDate: lambda node: call("kumoi_my_parse", node.this, node.args["format"]),
    exp.StrToTime: lambda node: call("kumoi_my_parse", node.this, node.args["format"]),
    exp.TimestampDiff: lambda node: call(
        "kumoi_my_difference", _text(node.args["unit"].name.lower()), node.expression, node.this
    ),
    exp.DateAdd: _date_shift,
    exp.Dayname: _of_date("dayname"),
    exp.TimestampAdd: _date_shift,
    exp.DateSub: _date_shift,
    exp.DefaultColumnConstraint: _default,
    exp.Drop: _drop,
    exp.EQ: _equals,
    exp.Except: _united,
    exp.Extract: _date_part,
    exp.IndexParameters: _index,
    exp.Initcap: lambda node: call("kumoi_initcap", node.this),
    exp.Intersect: _united,
    exp.JSONBContainsTopKey: _pair("kumoi_json_has"),
    exp.JSONBExtract: _pair("kumoi_json_path"),
    exp.JSONBExtractScalar: _pair("kumoi_json_path_text"),
    exp.JSONExtractScalar: _json_text,
    exp.Left: lambda node: call("substr", node.this, exp.Literal.number(1), node.expression),
    exp.Localtimestamp: lambda _node: call("kumoi_now"),
    exp.MD5: lambda node: call("kumoi_md5", node.this),
    exp.NEQ: _differs,
    exp.OnConflict: _conflict,
    exp.OnUpdateColumnConstraint: _on_update,
    exp.Ordered: _ordered,
    exp.Pad: _padded,
    exp.Rand: lambda _node: call("kumoi_random"),
    exp.RegexpILike: _matches,
    exp.RegexpLike: _matches,
    exp.RegexpReplace: _regexp_replace,
    exp.Repeat: lambda node: call("kumoi_repeat", node.this, node.args["times"]),
    exp.Reverse: lambda node: call("kumoi_reverse", node.this),
    exp.Right: lambda node: call("substr", node.this, exp.Neg(this=node.expression)),
    exp.Select: _without_lock,
    exp.SplitPart: lambda node: call("kumoi_split_part", node.this, node.args["delimiter"], node.args["part_index"]),
    exp.StringToArray: _pair("kumoi_array_split"),
    exp.Sub: _shift,
    exp.Subquery: _with_names,
    exp.TimestampTrunc: _truncated,
    exp.Translate: lambda node: call("kumoi_translate", node.this, node.args["from_"], node.args["to"]),
    exp.Trunc: _truncated_number,
    exp.TryCast: _cast,
    exp.Union: _united,
    exp.UnixToTime: lambda node: call("kumoi_from_epoch", node.this),
    exp.Values: _with_names,
    exp.UtcTimestamp: lambda _node: call("kumoi_now"),
    exp.Uuid: lambda _node: call("kumoi_uuid"),
}
