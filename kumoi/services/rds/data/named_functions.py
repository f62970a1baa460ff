"""Functions by their names, where SQLite has them by others or not at all."""

from __future__ import annotations

from sqlglot import exp

from kumoi.services.rds.data.parsing import Tree

_NOW = frozenset(("now", "sysdate", "localtime", "clock_timestamp", "statement_timestamp", "transaction_timestamp"))
_MYSQL = {
    **{
        name: f"kumoi_my_{name}" for name in ("dayname", "monthname", "weekday", "last_day", "hour", "minute", "second")
    },
    "json_arrayagg": "json_group_array",
    "last_insert_id": "kumoi_last_insert_id",
    "mid": "substr",
    "sha2": "kumoi_my_sha2",
}
_NAMED = {
    "array_remove": "kumoi_array_remove",
    "cardinality": "kumoi_array_size",
    "every": "min",
    "version": "kumoi_version",
    "json_typeof": "kumoi_json_typeof",
    "jsonb_array_length": "kumoi_json_length",
    "json_array_length": "kumoi_json_length",
    "jsonb_pretty": "kumoi_json_pretty",
    "jsonb_set": "kumoi_json_set",
    "json_strip_nulls": "kumoi_json_strip_nulls",
    "jsonb_strip_nulls": "kumoi_json_strip_nulls",
    "jsonb_typeof": "kumoi_json_typeof",
}


def call(name: str, *arguments: Tree) -> exp.Anonymous:
    """A call of one of SQLite's functions, or of ours."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def named(node: Tree) -> Tree:
    """What SQLite has for a function that sqlglot knows by name only."""
    name = node.name.lower()
    if name in _NOW:
        return call("kumoi_now")
    if name == "row":
        return exp.Tuple(expressions=node.expressions)
    if name in _NAMED:
        return call(_NAMED[name], *node.expressions)
    if name in ("uuid_generate_v4", "gen_random_uuid"):
        return call("kumoi_uuid")
    if name in _MYSQL:
        return call(_MYSQL[name], *node.expressions)
    if name == "unix_timestamp" and node.expressions:
        return call("kumoi_my_epoch", *node.expressions)
    if name == "unix_timestamp":
        epoch = call("kumoi_extract", exp.Literal.string("epoch"), call("kumoi_now"))
        return exp.Cast(this=epoch, to=exp.DataType(this=exp.DataType.Type.BIGINT))
    return node
