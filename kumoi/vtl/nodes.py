"""What a template consists of."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is written as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a truth value, or a text in single quotes."""

    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A text in double quotes: a template of its own."""

    block: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """`{a: b}`."""

    items: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class RangeOf:
    """`[first..last]`."""

    first: Node
    last: Node


@dataclass(frozen=True, slots=True)
class Unary:
    """`!a` or `-a`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """`a operator b`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Property:
    """`.name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Method:
    """`.name(arguments)`."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """`[index]`."""

    index: Node


@dataclass(frozen=True, slots=True)
class Reference:
    """`$name…`; `source` is how it is written, `escapes` the backslashes in front of it, `quiet` for `$!`."""

    name: str
    accessors: tuple[Property | Method | Index, ...]
    source: str
    quiet: bool = False
    escapes: int = 0


@dataclass(frozen=True, slots=True)
class Set:
    """`#set(target = value)`."""

    target: Reference
    value: Node


@dataclass(frozen=True, slots=True)
class If:
    """`#if … #elseif … #else … #end`."""

    branches: tuple[tuple[Node, tuple[Node, ...]], ...]
    otherwise: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Foreach:
    """`#foreach($name in items) … #end`."""

    name: str
    items: Node
    block: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Define:
    """`#define($name) … #end`."""

    name: str
    block: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Macro:
    """`#macro(name $a $b) … #end`; defined while the template is read."""

    name: str
    parameters: tuple[str, ...]
    block: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Invoke:
    """`#name(arguments)`, or `#@name(arguments) … #end` with a body; `source` is what stands there."""

    name: str
    arguments: tuple[Node, ...]
    source: str
    body: tuple[Node, ...] | None = None


@dataclass(frozen=True, slots=True)
class Evaluate:
    """`#evaluate(template)`."""

    template: Node


@dataclass(frozen=True, slots=True)
class Leave:
    """`#break`, `#stop`, or `#return` with a value."""

    kind: str
    value: Node | None = None


Node = (
    Text
    | Literal
    | Interpolated
    | ListOf
    | MapOf
    | RangeOf
    | Unary
    | Binary
    | Reference
    | Set
    | If
    | Foreach
    | Define
    | Macro
    | Invoke
    | Evaluate
    | Leave
)


@dataclass(slots=True)
class Parsed:
    """A template that was read: its statements, and the macros it defines."""

    block: tuple[Node, ...]
    macros: dict[str, Macro] = field(default_factory=dict)
