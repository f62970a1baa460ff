"""The expressions of IoT's SQL as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """Any expression."""

    def parts(self) -> Iterator[Node]:
        """The expressions directly inside."""
        for field in fields(self):
            value = getattr(self, field.name)
            for one in value if isinstance(value, tuple) else (value,):
                if isinstance(one, Node):
                    yield one
                elif isinstance(one, tuple):
                    yield from (inner for inner in one if isinstance(inner, Node))

    def walk(self) -> Iterator[Node]:
        """This expression and all inside."""
        waiting: list[Node] = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.parts()


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, a text, TRUE, FALSE or NULL."""

    value: Any


@dataclass(frozen=True, slots=True)
class Root(Node):
    """The whole message: `*`."""


@dataclass(frozen=True, slots=True)
class Attribute(Node):
    """An attribute of the message by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Quoted(Node):
    """A text in double quotes: the attribute of that name where the message has it, else the text itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`of.name`."""

    of: Node
    name: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`of[at]`."""

    of: Node
    at: Node


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`-x` or `NOT x`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Two operands: arithmetic, a comparison, AND, OR."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    """`x IS NULL`: also for what is missing."""

    operand: Node


@dataclass(frozen=True, slots=True)
class In(Node):
    """`x IN (a, b)`, or `x IN array`."""

    operand: Node
    among: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`x BETWEEN low AND high`."""

    operand: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class Like(Node):
    """`x LIKE pattern`, with % and _."""

    operand: Node
    pattern: Node


@dataclass(frozen=True, slots=True)
class Function(Node):
    """A function by its lower-case name."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Cast(Node):
    """`CAST(x AS type)`."""

    operand: Node
    kind: str


@dataclass(frozen=True, slots=True)
class Case(Node):
    """CASE, with `subject` or without."""

    subject: Node | None
    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class ArrayOf(Node):
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ObjectOf(Node):
    """`{'a': x}`."""

    members: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Item(Node):
    """What a SELECT lists: an expression, and the name it is given."""

    expression: Node
    name: str | None


@dataclass(frozen=True, slots=True)
class Select(Node):
    """A rule's statement, or a nested query; `value` for SELECT VALUE, `source` the topic filter or the array."""

    items: tuple[Item, ...]
    value: bool
    source: Node | None
    where: Node | None
