"""The nodes that expressions are parsed to: immutable, with their placeholders still unresolved."""

from __future__ import annotations

from typing import NamedTuple

Element = str | int


class PathNode(NamedTuple):
    """A document path: names as written (`#n` is a placeholder) and list indexes."""

    elements: tuple[Element, ...]


class ValueNode(NamedTuple):
    """`:v`."""

    placeholder: str


class FunctionNode(NamedTuple):
    """A function and its operands."""

    name: str
    operands: tuple[Node, ...]


class ComparisonNode(NamedTuple):
    """`left operator right`."""

    operator: str
    left: Node
    right: Node


class BetweenNode(NamedTuple):
    """`operand BETWEEN low AND high`."""

    operand: Node
    low: Node
    high: Node


class InNode(NamedTuple):
    """`operand IN (…)`."""

    operand: Node
    options: tuple[Node, ...]


class AndNode(NamedTuple):
    """Both."""

    left: Node
    right: Node


class OrNode(NamedTuple):
    """Either."""

    left: Node
    right: Node


class NotNode(NamedTuple):
    """The opposite."""

    condition: Node


class ArithmeticNode(NamedTuple):
    """`left + right` or `left - right`."""

    operator: str
    left: Node
    right: Node


Node = (
    PathNode
    | ValueNode
    | FunctionNode
    | ComparisonNode
    | BetweenNode
    | InNode
    | AndNode
    | OrNode
    | NotNode
    | ArithmeticNode
)


class ActionNode(NamedTuple):
    """One action of an update: its section, the path, and what is set, added or deleted (None: removed)."""

    section: str
    path: PathNode
    value: Node | None
