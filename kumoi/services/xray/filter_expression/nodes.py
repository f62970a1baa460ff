"""What a filter expression says, as a tree."""

from __future__ import annotations

from dataclasses import dataclass

Value = str | float | bool


@dataclass(frozen=True, slots=True)
class Either:
    """One of these is true."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Both:
    """All of these are true."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """This is not true."""

    part: Node


@dataclass(frozen=True, slots=True)
class Comparison:
    """A keyword compared with a value; without an operator: it is true, or (an annotation) there."""

    keyword: str
    operator: str | None = None
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class ServicePattern:
    """Which nodes of the graph: by name, type and account; None for any."""

    name: str | None = None
    type: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """The trace has a segment of such a service, for which `part` holds."""

    pattern: ServicePattern
    part: Node | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """The trace has a call from one such service to another, for which `part` holds."""

    source: ServicePattern
    target: ServicePattern
    part: Node | None = None


@dataclass(frozen=True, slots=True)
class RootCause:
    """A root cause of `kind` (fault, error or responsetime) has a `level` (service, entity, exception) like this."""

    kind: str
    level: str
    part: Node


@dataclass(frozen=True, slots=True)
class RootCauseJson:
    """A root cause goes through these services and entities, in this order."""

    operator: str
    services: str


Node = Either | Both | Negated | Comparison | Service | Edge | RootCause | RootCauseJson
