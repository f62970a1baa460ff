"""What an expression is worth for a message. Every expression is compiled once to closures, then called per message.

Undefined is a value like any other: a filter keeps a message only when its expression is TRUE. AND and OR are
three-valued: what is known decides. `= NULL` and `<> NULL` take what is missing for NULL.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from kumoi.iot_sql import nodes
from kumoi.iot_sql.mathematics import FUNCTIONS as MATHEMATICS
from kumoi.iot_sql.nodes import Node
from kumoi.iot_sql.parsing import SqlError
from kumoi.iot_sql.texts import as_text
from kumoi.iot_sql.values import CONTEXT, UNDEFINED, Undefined, Value, computed, decimal, equal, is_number, truth

Evaluate = Callable[["Scope"], Value]
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_PLAIN = frozenset((int, float))


class Scope:
    """What an expression sees: the message, and whatever its functions need of the world around it."""

    __slots__ = ("message", "world")

    def __init__(self, message: Value, world: Any = None) -> None:
        self.message = message
        self.world = world


class Library(Protocol):
    """The functions of one kind of expression."""

    concatenates: bool
    """Whether + joins texts."""

    def function(self, name: str, arguments: list[Evaluate]) -> Evaluate | None:
        """The call of a function; None when there is none of that name, SqlError for a wrong number of arguments."""


class MathLibrary:
    """What filters and math activities know."""

    concatenates = False

    def function(self, name: str, arguments: list[Evaluate]) -> Evaluate | None:
        """The call of a mathematical function."""
        known = MATHEMATICS.get(name)
        if known is None:
            return None
        least, most, function = known
        if not least <= len(arguments) <= most:
            raise SqlError(f"{name} takes {least if least == most else f'{least} to {most}'} arguments")

        def apply(scope: Scope) -> Value:
            numbers = [decimal(argument(scope)) for argument in arguments]
            return UNDEFINED if None in numbers else function(*numbers)

        return apply


MATH = MathLibrary()


def compiled(node: Node, library: Library = MATH) -> Evaluate:
    """The function that evaluates a node; SqlError for a function that there is not."""
    return _Compiler(library).compile(node)


def member(value: Value, name: str) -> Value:
    """`value.name`."""
    return value.get(name, UNDEFINED) if type(value) is dict else UNDEFINED


def element(value: Value, at: Value) -> Value:
    """`value[at]`: of an array by number (from 0), of an object by name."""
    if isinstance(value, dict):
        return value.get(at, UNDEFINED) if isinstance(at, str) else UNDEFINED
    place = decimal(at) if is_number(at) else None
    if place is None or not isinstance(value, list | str):
        return UNDEFINED
    number = int(place)
    return value[number] if 0 <= number < len(value) else UNDEFINED


def compared(operator_: str, left: Value, right: Value, *, null: bool) -> Value:
    """The result of a comparison; `null` says that NULL was written on one side."""
    if operator_ in ("=", "<>"):
        if null:
            left = None if left is UNDEFINED else left
            right = None if right is UNDEFINED else right
        elif left is UNDEFINED or right is UNDEFINED:
            return UNDEFINED
        return equal(left, right) is (operator_ == "=")
    if type(left) in _PLAIN and type(right) in _PLAIN:
        return _ORDER[operator_](left, right)
    first, second = decimal(left), decimal(right)
    if first is None or second is None:
        return UNDEFINED
    return _ORDER[operator_](first, second)


def like(text: str, pattern: str) -> bool:
    """Whether a text is like a pattern: % is anything, _ one character."""
    first, *rest = re.split("%+", pattern)
    if not rest:
        return len(text) == len(first) and _fits(text, first, 0)
    if len(text) < len(first) or not _fits(text, first, 0):
        return False
    place, last = len(first), rest.pop()
    for part in rest:
        while not _fits(text, part, place):
            if place + len(part) > len(text):
                return False
            place += 1
        place += len(part)
    return place + len(last) <= len(text) and _fits(text, last, len(text) - len(last))


def _fits(text: str, part: str, place: int) -> bool:
    if place + len(part) > len(text):
        return False
    if "_" not in part:
        return text.startswith(part, place)
    return all(wanted in ("_", found) for wanted, found in zip(part, text[place:], strict=False))


class _Compiler:
    def __init__(self, library: Library) -> None:
        self._library = library

    def compile(self, node: Node) -> Evaluate:
        method: Callable[[Any], Evaluate] = getattr(self, f"_{type(node).__name__.lower()}")
        return method(node)

    def _literal(self, node: nodes.Literal) -> Evaluate:
        value = node.value
        return lambda scope: value

    def _root(self, _node: nodes.Root) -> Evaluate:
        return lambda scope: scope.message

    def _attribute(self, node: nodes.Attribute) -> Evaluate:
        name = node.name
        return lambda scope: member(scope.message, name)

    def _quoted(self, node: nodes.Quoted) -> Evaluate:
        text = node.text

        def apply(scope: Scope) -> Value:
            found = member(scope.message, text)
            return text if found is UNDEFINED else found

        return apply

    def _member(self, node: nodes.Member) -> Evaluate:
        of, name = self.compile(node.of), node.name
        return lambda scope: member(of(scope), name)

    def _index(self, node: nodes.Index) -> Evaluate:
        of, at = self.compile(node.of), self.compile(node.at)
        return lambda scope: element(of(scope), at(scope))

    def _unary(self, node: nodes.Unary) -> Evaluate:
        operand = self.compile(node.operand)
        if node.operator == "NOT":

            def negated(scope: Scope) -> Value:
                value = truth(operand(scope))
                return value if value is UNDEFINED else not value

            return negated

        def signed(scope: Scope) -> Value:
            value = decimal(operand(scope))
            if value is None:
                return UNDEFINED
            return CONTEXT.minus(value) if node.operator == "-" else value

        return signed

    def _binary(self, node: nodes.Binary) -> Evaluate:
        left, right = self.compile(node.left), self.compile(node.right)
        if node.operator in ("AND", "OR"):
            return _logical(left, right, decides=node.operator == "OR")
        if node.operator in _ORDER:
            return _ordered(node.operator, left, right)
        if node.operator in ("=", "<>"):
            null = any(isinstance(one, nodes.Literal) and one.value is None for one in (node.left, node.right))
            return lambda scope: compared(node.operator, left(scope), right(scope), null=null)
        concatenates = node.operator == "+" and self._library.concatenates

        def arithmetic(scope: Scope) -> Value:
            a, b = left(scope), right(scope)
            if concatenates and (isinstance(a, str) or isinstance(b, str)):
                return _joined(a, b)
            first, second = decimal(a), decimal(b)
            if first is None or second is None:
                return UNDEFINED
            return computed(node.operator, first, second)

        return arithmetic

    def _isnull(self, node: nodes.IsNull) -> Evaluate:
        operand = self.compile(node.operand)
        return lambda scope: operand(scope) in (None, UNDEFINED)

    def _in(self, node: nodes.In) -> Evaluate:
        operand, among = self.compile(node.operand), [self.compile(one) for one in node.among]

        def apply(scope: Scope) -> Value:
            value = operand(scope)
            if value is UNDEFINED:
                return UNDEFINED
            found = [one(scope) for one in among]
            if len(found) == 1 and isinstance(found[0], list):
                found = found[0]
            return any(equal(value, one) for one in found)

        return apply

    def _between(self, node: nodes.Between) -> Evaluate:
        low = nodes.Binary(">=", node.operand, node.low)
        return self.compile(nodes.Binary("AND", low, nodes.Binary("<=", node.operand, node.high)))

    def _like(self, node: nodes.Like) -> Evaluate:
        operand, pattern = self.compile(node.operand), self.compile(node.pattern)

        def apply(scope: Scope) -> Value:
            text, wanted = operand(scope), pattern(scope)
            return like(text, wanted) if isinstance(text, str) and isinstance(wanted, str) else UNDEFINED

        return apply

    def _function(self, node: nodes.Function) -> Evaluate:
        found = self._library.function(node.name, [self.compile(one) for one in node.arguments])
        if found is None:
            raise SqlError(f"there is no function {node.name}")
        return found

    def _case(self, node: nodes.Case) -> Evaluate:
        subject = None if node.subject is None else self.compile(node.subject)
        branches = [(self.compile(when), self.compile(then)) for when, then in node.branches]
        otherwise = self.compile(node.otherwise) if node.otherwise else None

        def apply(scope: Scope) -> Value:
            value = subject(scope) if subject else True
            for when, then in branches:
                if compared("=", value, when(scope), null=False) is True:
                    return then(scope)
            return otherwise(scope) if otherwise else UNDEFINED

        return apply

    def _arrayof(self, node: nodes.ArrayOf) -> Evaluate:
        items = [self.compile(one) for one in node.items]
        return lambda scope: [value for one in items if (value := one(scope)) is not UNDEFINED]

    def _objectof(self, node: nodes.ObjectOf) -> Evaluate:
        members = [(name, self.compile(one)) for name, one in node.members]
        return lambda scope: {name: value for name, one in members if (value := one(scope)) is not UNDEFINED}

    def _cast(self, node: nodes.Cast) -> Evaluate:
        operand = self.compile(node.operand)
        if node.kind not in ("string", "boolean", "int", "integer", "decimal", "double", "float"):
            raise SqlError(f"CAST knows no type {node.kind}")
        return lambda scope: _cast(operand(scope), node.kind)

    def _select(self, node: nodes.Select) -> Evaluate:
        if node.source is None:
            raise SqlError("a nested query needs FROM")
        source = self.compile(node.source)
        where = self.compile(node.where) if node.where else None
        items = [(name_of(item), self.compile(item.expression)) for item in node.items]

        def apply(scope: Scope) -> Value:
            found = source(scope)
            rows = found if isinstance(found, list) else [] if found is UNDEFINED else [found]
            scopes = [Scope(row, scope.world) for row in rows]
            kept = [one for one in scopes if where is None or where(one) is True]
            if node.value:
                return [value for one in kept if (value := items[0][1](one)) is not UNDEFINED]
            return [selected(items, one) for one in kept]

        return apply


def name_of(item: nodes.Item) -> str | None:
    """The name of a selected column: the one it is given, else the last of its path; None for `*`."""
    node = item.expression
    if item.name is not None:
        return item.name
    if isinstance(node, nodes.Root):
        return None
    if isinstance(node, nodes.Attribute | nodes.Member | nodes.Function):
        return node.name
    return node.text if isinstance(node, nodes.Quoted) else ""


def selected(items: list[tuple[str | None, Evaluate]], scope: Scope) -> Value:
    """The object of selected columns; those that are Undefined are left out."""
    found: dict[str, Value] = {}
    unnamed = 0
    for name, evaluate in items:
        value = evaluate(scope)
        if name == "":
            name, unnamed = f"_{unnamed}", unnamed + 1
        if name is None:
            if isinstance(value, dict):
                found |= value
        elif value is not UNDEFINED:
            found[name] = value
    return found


def _ordered(operator_: str, left: Evaluate, right: Evaluate) -> Evaluate:
    order = _ORDER[operator_]

    def apply(scope: Scope) -> Value:
        first, second = left(scope), right(scope)
        if type(first) in _PLAIN and type(second) in _PLAIN:
            return order(first, second)
        return compared(operator_, first, second, null=False)

    return apply


def _logical(left: Evaluate, right: Evaluate, *, decides: bool) -> Evaluate:
    def apply(scope: Scope) -> Value:
        first = truth(left(scope))
        if first is decides:
            return decides
        second = truth(right(scope))
        if second is decides:
            return decides
        return UNDEFINED if first is UNDEFINED or second is UNDEFINED else not decides

    return apply


def _joined(left: Value, right: Value) -> Value:
    first, second = as_text(left), as_text(right)
    return UNDEFINED if isinstance(first, Undefined) or isinstance(second, Undefined) else first + second


def _cast(value: Value, kind: str) -> Value:
    if kind == "string":
        return as_text(value)
    if kind == "boolean":
        number = decimal(value) if is_number(value) else None
        return truth(value) if number is None else number != 0
    number = Decimal(int(value)) if isinstance(value, bool) else decimal(value)
    if number is None:
        return UNDEFINED
    return Decimal(int(number)) if kind in ("int", "integer") else number
