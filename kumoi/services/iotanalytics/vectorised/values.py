"""Expressions that SQL has no exact counterpart for: computed one value after the other, over the columns they need.

The rest of a message stays where it is. Rows come out of DuckDB as tuples of these columns, a function of the
expression (`iot_sql/straight.py`) passes over them, and its values go back as one column of JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Literal

from kumoi.iot_sql import SqlError, nodes, parse_expression
from kumoi.iot_sql.straight import NAMES, NotStraight, Reference, Writer, function
from kumoi.presto.column_types import Type
from kumoi.services.iotanalytics.vectorised.batch import (
    EXACT,
    NUMBERS,
    RESULT,
    Batch,
    Column,
    NotVectorised,
    attribute,
)

Kind = Literal["filter", "math"]
_WRITTEN = (
    *(nodes.Literal, nodes.Attribute, nodes.Member, nodes.Quoted, nodes.Unary, nodes.Binary, nodes.Function),
    *(nodes.Between, nodes.IsNull, nodes.In, nodes.Like),
)
_PLAIN = (*NUMBERS, "VARCHAR", "BOOLEAN")
_CHUNK = 10_000
"""Rows that are objects in memory at once."""


@lru_cache(maxsize=1024)
def may_be_written(expression: str) -> bool:
    """Whether an expression has parts only that can be computed over columns."""
    try:
        return all(isinstance(node, _WRITTEN) for node in parse_expression(expression).walk())
    except SqlError:
        return False


def computed(batch: Batch, columns: dict[str, Column], kind: Kind, text: str, kept: str) -> Column:
    """The column of an expression's values, for the rows of a batch that fulfil `kept`; others leave it.

    Of a filter it tells whether it is TRUE, of math it is NULL where there is no value.
    """
    needed: dict[nodes.Node, Column | None] = {node: _column(columns, node) for node in _named(parse_expression(text))}
    present = {node: column for node, column in needed.items() if column is not None}
    for column in present.values():
        if column.kind in ("DOUBLE", RESULT) and batch.most(column.sql) >= EXACT:
            raise NotVectorised
    told = tuple("DOUBLE" if one.kind == RESULT else str(one.kind) for one in present.values())
    evaluate = _evaluator(kind, text, tuple(present), told)
    values: list[Any] = []
    for rows in batch.rows([column.sql for column in present.values()] or ["true"], kept, _CHUNK):
        evaluate(rows, values.append)
    if kind == "filter":
        return batch.attached(values, "BOOLEAN", kept)
    if not {type(value) for value in values} <= {int, float, type(None)}:
        raise NotVectorised
    column = batch.attached(values, "DOUBLE", kept)
    if batch.most(column.sql) >= EXACT:
        raise NotVectorised
    return column._replace(kind=RESULT)


def _column(columns: dict[str, Column], node: nodes.Node) -> Column | None:
    if isinstance(node, nodes.Quoted):
        if node.text in columns:
            raise NotVectorised
        return None
    column = attribute(columns, node)
    kind: Type = None if column is None else column.kind
    if column is not None and kind != RESULT and kind not in _PLAIN:
        raise NotVectorised
    return column


def _named(node: nodes.Node) -> Sequence[nodes.Node]:
    """The attributes that an expression names, each once."""
    found: dict[nodes.Node, None] = {}
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, nodes.Attribute | nodes.Member | nodes.Quoted):
            found[one] = None
        elif isinstance(one, _WRITTEN):
            waiting += one.parts()
        else:
            raise NotVectorised
    return list(found)


@lru_cache(maxsize=1024)
def _evaluator(
    kind: Kind, text: str, present: tuple[nodes.Node, ...], kinds: tuple[str, ...]
) -> Callable[[Sequence[tuple[Any, ...]], Callable[[Any], None]], None]:
    """The function that computes an expression for rows of those columns, and adds its values."""
    references = {node: Reference(f"v{n}", one) for n, (node, one) in enumerate(zip(present, kinds, strict=True))}

    def refer(node: nodes.Node) -> Reference:
        if node in references:
            return references[node]
        if isinstance(node, nodes.Quoted):
            return Reference(writer.constant(node.text))
        if isinstance(node, nodes.Attribute | nodes.Member):
            return Reference("U")
        raise NotStraight

    writer = Writer(refer, {**NAMES})
    node = parse_expression(text)
    try:
        value = writer.is_true(node) if kind == "filter" else writer.rendered(node)
    except NotStraight:
        raise NotVectorised from None
    names = "".join(f"{one.variable}, " for one in references.values()) or "_, "
    shown = f"None if (value := {value}) is U else value" if kind == "math" else value
    source = f"def evaluate(rows, add):\n    for {names}in rows:\n        add({shown})\n"
    return function("evaluate", source, writer.constants)
