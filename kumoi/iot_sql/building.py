"""Lark's trees as nodes. Imported with lark, at the first expression."""

from __future__ import annotations

from typing import Any

from lark import Token, Transformer, Tree, v_args

from kumoi.iot_sql import nodes
from kumoi.iot_sql.nodes import Node


class NumberTooLarge(ValueError):
    """A number is too large for a double."""


def _unquoted(token: str) -> str:
    if token[0] == "'":
        return token[1:-1].replace("''", "'")
    if token[0] == '"':
        return token[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return token


def built(tree: Tree[Token]) -> Node:
    """The node that a tree means; lark's VisitError for what the grammar takes but nothing means."""
    node: Node = _Builder().transform(tree)
    return node


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Builds nodes from lark's tree; a method for each alias of the grammar."""

    def number(self, token: str) -> Node:
        whole = token.isdecimal() and len(token) < 4000
        return nodes.Literal(int(token) if whole else _finite(float(token)))

    def text(self, token: str) -> Node:
        return nodes.Literal(_unquoted(token))

    def quoted(self, token: str) -> Node:
        return nodes.Quoted(_unquoted(token))

    def true(self) -> Node:
        return nodes.Literal(True)

    def false(self) -> Node:
        return nodes.Literal(False)

    def null(self) -> Node:
        return nodes.Literal(None)

    def root(self, _star: str) -> Node:
        return nodes.Root()

    def attribute(self, name: str) -> Node:
        return nodes.Attribute(str(name))

    def path(self, first: str, *rest: str) -> Node:
        node: Node = nodes.Attribute(str(first))
        for name in rest:
            node = nodes.Member(node, str(name))
        return node

    def member(self, of: Node, name: str) -> Node:
        return nodes.Member(of, str(name))

    def index(self, of: Node, at: Node) -> Node:
        return nodes.Index(of, at)

    def or_(self, left: Node, right: Node) -> Node:
        return nodes.Binary("OR", left, right)

    def and_(self, left: Node, right: Node) -> Node:
        return nodes.Binary("AND", left, right)

    def not_(self, operand: Node) -> Node:
        return nodes.Unary("NOT", operand)

    def compare(self, left: Node, operator: str, right: Node) -> Node:
        return nodes.Binary({"==": "=", "!=": "<>"}.get(operator, str(operator)), left, right)

    def is_null(self, operand: Node) -> Node:
        return nodes.IsNull(operand)

    def is_not_null(self, operand: Node) -> Node:
        return nodes.Unary("NOT", nodes.IsNull(operand))

    def in_(self, operand: Node, *among: Node) -> Node:
        return nodes.In(operand, among)

    def not_in(self, operand: Node, *among: Node) -> Node:
        return nodes.Unary("NOT", nodes.In(operand, among))

    def between(self, operand: Node, low: Node, high: Node) -> Node:
        return nodes.Between(operand, low, high)

    def not_between(self, operand: Node, low: Node, high: Node) -> Node:
        return nodes.Unary("NOT", nodes.Between(operand, low, high))

    def like(self, operand: Node, pattern: Node) -> Node:
        return nodes.Like(operand, pattern)

    def not_like(self, operand: Node, pattern: Node) -> Node:
        return nodes.Unary("NOT", nodes.Like(operand, pattern))

    def arithmetic(self, left: Node, operator: str, right: Node) -> Node:
        return nodes.Binary(str(operator), left, right)

    def signed(self, sign: str, operand: Node) -> Node:
        if isinstance(operand, nodes.Literal) and type(operand.value) in (int, float):
            return nodes.Literal(-operand.value) if sign == "-" else operand
        return nodes.Unary(str(sign), operand)

    def function(self, name: str, *arguments: Node | None) -> Node:
        return nodes.Function(name.lower(), tuple(one for one in arguments if one is not None))

    def cast(self, operand: Node, kind: str) -> Node:
        return nodes.Cast(operand, kind.lower())

    def when(self, condition: Node, result: Node) -> tuple[Node, Node]:
        return condition, result

    def case(self, subject: Node | None, *rest: Any) -> Node:
        return nodes.Case(subject, tuple(rest[:-1]), rest[-1])

    def array(self, *items: Node | None) -> Node:
        return nodes.ArrayOf(tuple(one for one in items if one is not None))

    def pair(self, name: str, value: Node) -> tuple[str, Node]:
        return _unquoted(name), value

    def object(self, *members: tuple[str, Node] | None) -> Node:
        return nodes.ObjectOf(tuple(one for one in members if one is not None))

    def item(self, expression: Node, name: str | None = None) -> nodes.Item:
        return nodes.Item(expression, None if name is None else str(_unquoted(name)))

    def value(self, expression: Node) -> tuple[bool, tuple[nodes.Item, ...]]:
        return True, (nodes.Item(expression, None),)

    def listed(self, *items: nodes.Item) -> tuple[bool, tuple[nodes.Item, ...]]:
        return False, items

    def select(
        self, items: tuple[bool, tuple[nodes.Item, ...]], source: Node | None, where: Node | None
    ) -> nodes.Select:
        return nodes.Select(items[1], items[0], source, where)


def _finite(value: float) -> float:
    if value in (float("inf"), float("-inf")):
        raise NumberTooLarge("a number is too large")
    return value
