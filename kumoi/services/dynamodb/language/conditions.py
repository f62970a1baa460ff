"""ConditionExpression and FilterExpression: whether an item is as it should be.

The nodes of an expression and a request's names and values become one function of an item. A path that leads to
nothing makes a comparison false, but `<>` true; there is no third truth. Source: "Comparison operator and function
reference" of the developer guide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kumoi.services.dynamodb.language.parser import failure, parse_condition_text
from kumoi.services.dynamodb.language.paths import Path, resolve, shown, value_at
from kumoi.services.dynamodb.language.placeholders import Names, Values
from kumoi.services.dynamodb.language.syntax import (
    AndNode,
    BetweenNode,
    ComparisonNode,
    FunctionNode,
    InNode,
    Node,
    NotNode,
    OrNode,
    PathNode,
    ValueNode,
)
from kumoi.services.dynamodb.language.values import (
    ORDERED,
    TYPES,
    Item,
    Value,
    compare,
    equal,
    kind_of,
)
from kumoi.services.dynamodb.language.values import shown as value_shown
from kumoi.wire.errors import AwsError

Test = Callable[[Item], bool]
Get = Callable[[Item], Value | None]

_NO_ITEM: Item = {}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition; `attributes` are the names of the attributes that it looks at."""

    attributes: frozenset[str]
    test: Test

    def holds(self, item: Item | None) -> bool:
        """Whether it holds of an item; None stands for no item."""
        return self.test(_NO_ITEM if item is None else item)


@dataclass(frozen=True, slots=True)
class Operand:
    """Something with a value: a literal, a path, or a size."""

    get: Get
    literal: Value | None = None
    path: Path | None = None


def parse_condition(text: str, names: Names, values: Values, kind: str = "ConditionExpression") -> Condition:
    """Read a condition; ValidationException where it is none."""
    return bind_condition(parse_condition_text(text, kind), names, values, kind)


def bind_condition(node: Node, names: Names, values: Values, kind: str) -> Condition:
    """A parsed condition with the names and values of one request."""
    binder = Binder(names, values, kind)
    test = binder.test(node)
    return Condition(frozenset(binder.attributes), test)


ORDER_TESTS: Mapping[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def size_of_content(value: Value) -> int | None:
    """What the function `size` tells of a value; None for types without one."""
    kind, content = next(iter(value.items()))
    if kind in ("N", "BOOL", "NULL"):
        return None
    length: int = len(content)
    return length + sum(character > "\uffff" for character in content) if kind == "S" else length  # UTF-16 units


def contains(whole: Value, part: Value) -> bool:
    """Whether a text, bytes, a set or a list contains a value."""
    (kind, content), (part_kind, part_content) = next(iter(whole.items())), next(iter(part.items()))
    if kind == "L":
        return any(equal(element, part) for element in content)
    if kind in ("S", "B"):
        return part_kind == kind and part_content in content
    return kind in ("SS", "NS", "BS") and part_kind == kind[0] and part_content in content


def begins_with(whole: Value, beginning: Value) -> bool:
    """Whether a text or bytes begin with others."""
    (kind, content), (other_kind, other) = next(iter(whole.items())), next(iter(beginning.items()))
    return kind == other_kind and kind in ("S", "B") and content.startswith(other)


def is_between(value: Value, low: Value, high: Value) -> bool:
    """Whether a value lies between two of its type, those included."""
    above, below = compare(value, low), compare(value, high)
    return above is not None and below is not None and above >= 0 and below <= 0


class Binder:
    """Nodes to functions, with the names and values of one request."""

    def __init__(self, names: Names, values: Values, kind: str) -> None:
        self._names = names
        self._values = values
        self._kind = kind
        self.attributes: set[str] = set()

    def test(self, node: Node) -> Test:
        """A condition as a function of an item."""
        if isinstance(node, AndNode):
            both = self.test(node.left), self.test(node.right)
            return lambda item: both[0](item) and both[1](item)
        if isinstance(node, OrNode):
            either = self.test(node.left), self.test(node.right)
            return lambda item: either[0](item) or either[1](item)
        if isinstance(node, NotNode):
            inner = self.test(node.condition)
            return lambda item: not inner(item)
        if isinstance(node, ComparisonNode):
            return self._comparison(node)
        if isinstance(node, BetweenNode):
            return self._between(node)
        if isinstance(node, InNode):
            return self._in(node)
        assert isinstance(node, FunctionNode), "the parser lets nothing else through"
        return self._function(node)

    def operand(self, node: Node) -> Operand:
        """Something with a value."""
        if isinstance(node, ValueNode):
            literal = self._literal(node)
            return Operand(lambda _item: literal, literal=literal)
        if isinstance(node, PathNode):
            path = self._path(node)
            if len(path) == 1:
                name = str(path[0])
                return Operand(lambda item: item.get(name), path=path)
            return Operand(lambda item: value_at(item, path), path=path)
        assert isinstance(node, FunctionNode) and node.name == "size", "the parser lets nothing else through"
        (measured,) = self._operands(node, 1)
        if measured.literal is not None and size_of_content(measured.literal) is None:
            raise self._wrong_type("size", kind_of(measured.literal))
        return Operand(lambda item: _size(measured.get(item)))

    def _literal(self, node: ValueNode) -> Value:
        value = self._values.get(node.placeholder)
        if value is None:
            raise failure(
                self._kind,
                f"An expression attribute value used in expression is not defined; attribute value: {node.placeholder}",
            )
        return value

    def _path(self, node: PathNode) -> Path:
        path = resolve(node, self._names, self._kind)
        self.attributes.add(str(path[0]))
        return path

    def _operands(self, node: FunctionNode, count: int) -> list[Operand]:
        operands = [self.operand(one) for one in node.operands]
        if len(operands) != count:
            raise failure(
                self._kind,
                "Incorrect number of operands for operator or function; "
                f"operator or function: {node.name}, number of operands: {len(operands)}",
            )
        return operands

    def _comparison(self, node: ComparisonNode) -> Test:
        left, right = self.operand(node.left), self.operand(node.right)
        operator = node.operator
        self._check_distinct(operator, (left, right))
        if operator in ("=", "<>"):
            wanted = operator == "="
            return lambda item: _equal(left.get(item), right.get(item)) is wanted
        self._check_ordered(operator, (left, right))
        holds = ORDER_TESTS[operator]

        def ordered(item: Item) -> bool:
            one, other = left.get(item), right.get(item)
            if one is None or other is None:
                return False
            order = compare(one, other)
            return order is not None and holds(order)

        return ordered

    def _between(self, node: BetweenNode) -> Test:
        value, low, high = self.operand(node.operand), self.operand(node.low), self.operand(node.high)
        self._check_distinct("BETWEEN", (value, low, high))
        self._check_ordered("BETWEEN", (value, low, high))
        if low.literal is not None and high.literal is not None:
            self.check_bounds(low.literal, high.literal)

        def between(item: Item) -> bool:
            found, least, most = value.get(item), low.get(item), high.get(item)
            return found is not None and least is not None and most is not None and is_between(found, least, most)

        return between

    def check_bounds(self, low: Value, high: Value) -> None:
        """Refuse bounds of two types, or in the wrong order."""
        told = f"lower bound operand: {value_shown(low)}, upper bound operand: {value_shown(high)}"
        order = compare(low, high)
        if order is None:
            raise failure(
                self._kind, f"The BETWEEN operator requires same data type for lower and upper bounds; {told}"
            )
        if order > 0:
            raise failure(
                self._kind,
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; " + told,
            )

    def _in(self, node: InNode) -> Test:
        value = self.operand(node.operand)
        options = [self.operand(option) for option in node.options]
        self._check_distinct("IN", (value, *options))
        return lambda item: (
            (found := value.get(item)) is not None and any(_equal(found, option.get(item)) for option in options)
        )

    def _function(self, node: FunctionNode) -> Test:
        name = node.name
        if name in ("attribute_exists", "attribute_not_exists"):
            (operand,) = self._operands(node, 1)
            self._check_path(name, operand)
            wanted = name == "attribute_exists"
            return lambda item: (operand.get(item) is not None) is wanted
        first, second = self._operands(node, 2)
        if name == "attribute_type":
            self._check_path(name, first)
            return self._is_of_type(first, second)
        self._check_distinct(name, (first, second))
        if name == "begins_with":
            for operand in (first, second):
                if operand.literal is not None and kind_of(operand.literal) not in ("S", "B"):
                    raise self._wrong_type(name, kind_of(operand.literal))
        decide = begins_with if name == "begins_with" else contains

        def decided(item: Item) -> bool:
            one, other = first.get(item), second.get(item)
            return one is not None and other is not None and decide(one, other)

        return decided

    def _is_of_type(self, operand: Operand, wanted: Operand) -> Test:
        if wanted.literal is None:
            raise self._wrong_type("attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
        kind = wanted.literal.get("S")
        if kind is None:
            raise self._wrong_type("attribute_type", kind_of(wanted.literal))
        if kind not in TYPES:
            raise failure(
                self._kind, f"Invalid attribute type name found; type: {kind}, valid types: {{{','.join(TYPES)}}}"
            )
        return lambda item: (found := operand.get(item)) is not None and kind in found

    def _check_path(self, function: str, operand: Operand) -> None:
        if operand.path is None:
            raise failure(
                self._kind, f"Operator or function requires a document path; operator or function: {function}"
            )

    def _check_distinct(self, operator: str, operands: Sequence[Operand]) -> None:
        first, *others = operands
        if first.path is not None and any(other.path == first.path for other in others):
            raise failure(
                self._kind,
                "The first operand must be distinct from the remaining operands for this operator or function; "
                f"operator: {operator}, first operand: {shown(first.path)}",
            )

    def _check_ordered(self, operator: str, operands: Sequence[Operand]) -> None:
        for operand in operands:
            if operand.literal is not None and kind_of(operand.literal) not in ORDERED:
                raise self._wrong_type(operator, kind_of(operand.literal))

    def _wrong_type(self, operator: str, kind: str) -> AwsError:
        return failure(
            self._kind,
            f"Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}",
        )


def _equal(one: Value | None, other: Value | None) -> bool:
    return one is not None and other is not None and equal(one, other)


def _size(value: Value | None) -> Value | None:
    size = None if value is None else size_of_content(value)
    return None if size is None else {"N": str(size)}
