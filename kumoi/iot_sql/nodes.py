"""The expressions of IoT's SQL as a tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec


class Node(msgspec.Struct, frozen=True):
    """Any expression."""

    def parts(self) -> Iterator[Node]:
        """The expressions directly inside."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
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


class Literal(Node, frozen=True):
    """A number, a text, TRUE, FALSE or NULL."""

    value: Any


class Root(Node, frozen=True):
    """The whole message: `*`."""


class Attribute(Node, frozen=True):
    """An attribute of the message by name."""

    name: str


class Quoted(Node, frozen=True):
    """A text in double quotes: the attribute of that name where the message has it, else the text itself."""

    text: str


class Member(Node, frozen=True):
    """`of.name`."""

    of: Node
    name: str


class Index(Node, frozen=True):
    """`of[at]`."""

    of: Node
    at: Node


class Unary(Node, frozen=True):
    """`-x` or `NOT x`."""

    operator: str
    operand: Node


class Binary(Node, frozen=True):
    """Two operands: arithmetic, a comparison, AND, OR."""

    operator: str
    left: Node
    right: Node


class IsNull(Node, frozen=True):
    """`x IS NULL`: also for what is missing."""

    operand: Node


class In(Node, frozen=True):
    """`x IN (a, b)`, or `x IN array`."""

    operand: Node
    among: tuple[Node, ...]


class Between(Node, frozen=True):
    """`x BETWEEN low AND high`."""

    operand: Node
    low: Node
    high: Node


class Like(Node, frozen=True):
    """`x LIKE pattern`, with % and _."""

    operand: Node
    pattern: Node


class Function(Node, frozen=True):
    """A function by its lower-case name."""

    name: str
    arguments: tuple[Node, ...]


class Cast(Node, frozen=True):
    """`CAST(x AS type)`."""

    operand: Node
    kind: str


class Case(Node, frozen=True):
    """CASE, with `subject` or without."""

    subject: Node | None
    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


class ArrayOf(Node, frozen=True):
    """`[a, b]`."""

    items: tuple[Node, ...]


class ObjectOf(Node, frozen=True):
    """`{'a': x}`."""

    members: tuple[tuple[str, Node], ...]


class Item(Node, frozen=True):
    """What a SELECT lists: an expression, and the name it is given."""

    expression: Node
    name: str | None


class Select(Node, frozen=True):
    """A rule's statement, or a nested query; `value` for SELECT VALUE, `source` the topic filter or the array."""

    items: tuple[Item, ...]
    value: bool
    source: Node | None
    where: Node | None
