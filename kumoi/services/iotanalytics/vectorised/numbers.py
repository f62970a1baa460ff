"""Arithmetic as SQL, exact as decimals are: in whole numbers that a double holds exactly.

A decimal is such a number over a power of ten, and only the last step divides. NotVectorised where a number may become
too large for that.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from kumoi.iot_sql import nodes
from kumoi.services.iotanalytics.vectorised.batch import (
    EXACT,
    MOST_DECIMALS,
    NUMBERS,
    RESULT,
    Batch,
    Column,
    NotVectorised,
    attribute,
)

TOLD_APART = 1e15
"""Decimals of at most fifteen digits each have a double of their own."""


class Exact(NamedTuple):
    """A number as `top / below / 10**scale`, both whole: SQL, and bounds of their absolute values."""

    top: str
    below: str | None
    scale: int
    most_top: float
    most_below: float


def arithmetic(batch: Batch, columns: dict[str, Column], node: nodes.Node) -> str:
    """The SQL of a math expression: the double next to its value, NULL where it has none."""
    return _value(_arithmetic(batch, columns, node))


def _arithmetic(batch: Batch, columns: dict[str, Column], node: nodes.Node) -> Exact:
    if isinstance(node, nodes.Literal):
        return _literal(node.value)
    if isinstance(node, nodes.Attribute | nodes.Member):
        column = attribute(columns, node)
        if column is None or column.kind not in (*NUMBERS, RESULT):
            raise NotVectorised
        return _column(batch, column)
    if isinstance(node, nodes.Unary) and node.operator in "+-":
        one = _arithmetic(batch, columns, node.operand)
        return one if node.operator == "+" else one._replace(top=f"(-{one.top})")
    if isinstance(node, nodes.Binary) and node.operator in "+-*/":
        left, right = _arithmetic(batch, columns, node.left), _arithmetic(batch, columns, node.right)
        return _checked(_combined(node.operator, left, right))
    raise NotVectorised


def _column(batch: Batch, column: Column) -> Exact:
    value, scale, most = f"CAST({column.sql} AS DOUBLE)", batch.scale(column.sql), batch.most(column.sql)
    if scale is None or most * 10**scale >= (TOLD_APART if scale else EXACT):
        raise NotVectorised
    return Exact(f"round({value} * 1e{scale})" if scale else value, None, scale, most * 10**scale, 1.0)


def _literal(value: Any) -> Exact:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotVectorised
    for scale in range(MOST_DECIMALS + 1):
        scaled = round(value * 10**scale)
        if abs(scaled) < EXACT and scaled / 10**scale == value:
            return Exact(f"CAST({scaled} AS DOUBLE)", None, scale, float(abs(scaled)), 1.0)
    raise NotVectorised


def _combined(operator: str, left: Exact, right: Exact) -> Exact:
    if operator == "*":
        below = " * ".join(one.below for one in (left, right) if one.below) or None
        return Exact(
            f"({left.top} * {right.top})",
            f"({below})" if below else None,
            left.scale + right.scale,
            left.most_top * right.most_top,
            left.most_below * right.most_below,
        )
    if operator == "/":
        top = left.top if right.below is None else f"({left.top} * {right.below})"
        below = right.top if left.below is None else f"({left.below} * {right.top})"
        return Exact(
            top,
            below,
            left.scale - right.scale,
            left.most_top * right.most_below,
            left.most_below * right.most_top,
        )
    if left.below is not None or right.below is not None:
        raise NotVectorised
    scale = max(left.scale, right.scale)
    first, second = (_scaled(one.top, scale - one.scale) for one in (left, right))
    most = left.most_top * 10 ** (scale - left.scale) + right.most_top * 10 ** (scale - right.scale)
    return Exact(f"({first} {operator} {second})", None, scale, most, 1.0)


def _scaled(sql: str, digits: int) -> str:
    return f"({sql} * 1e{digits})" if digits else sql


def _checked(one: Exact) -> Exact:
    if one.most_top * 10 ** max(-one.scale, 0) >= EXACT or one.most_below * 10 ** max(one.scale, 0) >= EXACT:
        raise NotVectorised
    return one


def _value(one: Exact) -> str:
    """The nearest double; NULL where the divisor is 0."""
    one = _checked(one)
    top = _scaled(one.top, max(-one.scale, 0))
    below = _scaled(one.below or "1.0", max(one.scale, 0))
    if one.below is None:
        return f"({top} / {below} + 0.0)" if one.scale > 0 else f"({top} + 0.0)"
    return f"(CASE WHEN {one.below} = 0 THEN NULL ELSE {top} / {below} + 0.0 END)"
