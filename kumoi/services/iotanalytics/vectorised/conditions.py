"""Filters as SQL: the value of an expression is TRUE for the same messages, or NotVectorised is raised."""

from __future__ import annotations

from typing import Any

from kumoi.iot_sql import nodes
from kumoi.presto.column_types import Type
from kumoi.presto.database import text_literal
from kumoi.services.iotanalytics.vectorised.batch import (
    EXACT,
    NUMBERS,
    RESULT,
    Batch,
    Column,
    NotVectorised,
    attribute,
)

_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")


class Conditions:
    """Filters over the columns that messages have at some point of their way."""

    def __init__(self, batch: Batch, columns: dict[str, Column]) -> None:
        self._batch = batch
        self._columns = columns

    def filter(self, node: nodes.Node) -> str:
        """The SQL of a filter."""
        kind, sql = self._condition(node)
        if kind != "BOOLEAN":
            raise NotVectorised
        return f"coalesce({sql}, false)"

    def _condition(self, node: nodes.Node) -> tuple[Type, str]:
        """The type and the SQL of a part of a filter."""
        if isinstance(node, nodes.Literal):
            return _literal(node.value)
        if isinstance(node, nodes.Attribute | nodes.Member):
            column = attribute(self._columns, node)
            if column is None:
                return "NULL", "NULL"
            return ("DOUBLE" if column.kind == RESULT else column.kind), column.sql
        if isinstance(node, nodes.Binary) and node.operator in ("AND", "OR"):
            left, right = self._boolean(node.left), self._boolean(node.right)
            return "BOOLEAN", f"({left} {node.operator} {right})"
        if isinstance(node, nodes.Unary) and node.operator == "NOT":
            return "BOOLEAN", f"(NOT {self._boolean(node.operand)})"
        if isinstance(node, nodes.Binary) and node.operator in _COMPARISONS:
            return "BOOLEAN", self._compare(node)
        if isinstance(node, nodes.Between):
            low = self._compare(nodes.Binary(">=", node.operand, node.low))
            return "BOOLEAN", f"({low} AND {self._compare(nodes.Binary('<=', node.operand, node.high))})"
        if isinstance(node, nodes.In):
            tests = [self._compare(nodes.Binary("=", node.operand, one)) for one in node.among]
            return "BOOLEAN", f"({' OR '.join(tests)})"
        if isinstance(node, nodes.IsNull):
            return "BOOLEAN", f"({self._condition(node.operand)[1]} IS NULL)"
        if isinstance(node, nodes.Like):
            (kind, text), (_, pattern) = self._condition(node.operand), self._condition(node.pattern)
            if kind == "VARCHAR" and isinstance(node.pattern, nodes.Literal) and isinstance(node.pattern.value, str):
                return "BOOLEAN", f"({text} LIKE {pattern})"
        raise NotVectorised

    def _boolean(self, node: nodes.Node) -> str:
        kind, sql = self._condition(node)
        if kind not in ("BOOLEAN", "NULL"):
            raise NotVectorised
        return sql

    def _compare(self, node: nodes.Binary) -> str:
        null = [isinstance(one, nodes.Literal) and one.value is None for one in (node.left, node.right)]
        if any(null):
            other = self._condition(node.left if null[1] else node.right)[1]
            if node.operator not in ("=", "<>"):
                raise NotVectorised
            return f"({other} IS {'' if node.operator == '=' else 'NOT '}NULL)"
        (kind, left), (other_kind, right) = self._condition(node.left), self._condition(node.right)
        if "NULL" in (kind, other_kind):
            return "CAST(NULL AS BOOLEAN)"
        if kind in NUMBERS and other_kind in NUMBERS:
            return f"({self._as_double(node.left, left)} {node.operator} {self._as_double(node.right, right)})"
        if kind == other_kind and kind in ("VARCHAR", "BOOLEAN") and node.operator in ("=", "<>"):
            return f"({left} {node.operator} {right})"
        raise NotVectorised

    def _as_double(self, node: nodes.Node, sql: str) -> str:
        if not isinstance(node, nodes.Literal) and self._batch.most(sql) >= EXACT:
            raise NotVectorised
        return f"CAST({sql} AS DOUBLE)"


def _literal(value: Any) -> tuple[Type, str]:
    if isinstance(value, bool):
        return "BOOLEAN", "true" if value else "false"
    if isinstance(value, int | float):
        if abs(value) >= EXACT:
            raise NotVectorised
        return "DOUBLE", f"CAST({value!r} AS DOUBLE)"
    if isinstance(value, str):
        return "VARCHAR", text_literal(value)
    return "NULL", "NULL"
