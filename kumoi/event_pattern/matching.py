"""Holding an event against a pattern.

A pattern is a tree of the fields it names, with a condition at each leaf. An array in the event is a set: one of its
elements has to meet everything that the pattern says below it, the same element for all of it. Keys with dots mean
paths, in events as in patterns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kumoi.event_pattern.conditions import Test, is_number

Path = tuple[str, ...]

MISSING: Any = object()
"""Stands for a field that an event does not have."""


@dataclass(slots=True)
class Leaf:
    """The condition on one field: any of the exact values or tests; `absent` lets events pass that lack the field."""

    path: Path
    texts: frozenset[str] = frozenset()
    numbers: frozenset[float] = frozenset()
    literals: tuple[Any, ...] = ()
    tests: tuple[Test, ...] = ()
    absent: bool = False
    present: bool = False

    def matches(self, value: Any, event: Mapping[str, Any]) -> bool:
        """Whether the field's value, or its absence from the whole event, is what is demanded."""
        if value is not MISSING and self._holds(value):
            return True
        return self.absent and next(scalars_at(event, self.path), MISSING) is MISSING

    def _holds(self, value: Any) -> bool:
        if isinstance(value, str):
            if value in self.texts:
                return True
        elif isinstance(value, list):
            return any(self._holds(one) for one in value)
        elif isinstance(value, dict):
            return False
        elif is_number(value):
            if float(value) in self.numbers:
                return True
        elif any(value is literal for literal in self.literals):
            return True
        return self.present or any(test(value) for test in self.tests)


@dataclass(slots=True)
class Node:
    """The conditions below one field: all of `fields`, and one alternative of each group of `choices`."""

    fields: dict[str, list[Node | Leaf]] = field(default_factory=dict)
    choices: list[list[Node]] = field(default_factory=list)

    def matches(self, value: Any, event: Mapping[str, Any]) -> bool:
        """Whether a value of `event` meets all that is said below this node."""
        if isinstance(value, list) and value:
            return any(self.matches(one, event) for one in value)
        for name, demands in self.fields.items():
            below = field_of(value, name)
            for demand in demands:
                if not demand.matches(below, event):
                    return False
        return all(any(one.matches(value, event) for one in group) for group in self.choices)


class Pattern:
    """A compiled pattern."""

    def __init__(self, root: Node) -> None:
        self._root = root

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the event (parsed JSON) passes."""
        return self._root.matches(event, event)


def field_of(value: Any, name: str) -> Any:
    """A field of an object; MISSING when it has none, or is no object. A name with dots is meant as it stands."""
    if not isinstance(value, dict):
        return MISSING
    return value.get(name, MISSING) if "." in name else undotted(value).get(name, MISSING)


def undotted(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of an object, with keys that hold dots taken apart into paths."""
    if not any("." in name for name in fields):
        return fields
    plain: dict[str, Any] = {name: value for name, value in fields.items() if "." not in name}
    for name, value in fields.items():
        if "." in name:
            first, _, rest = name.partition(".")
            known = plain.get(first)
            plain[first] = {**known, rest: value} if isinstance(known, dict) else {rest: value}
    return plain


def scalars_at(value: Any, path: Path) -> Iterator[Any]:
    """The scalars of an event at a path, whatever arrays are on the way."""
    if isinstance(value, list):
        for one in value:
            yield from scalars_at(one, path)
    elif not path:
        if not isinstance(value, dict):
            yield value
    else:
        below = field_of(value, path[0])
        if below is not MISSING:
            yield from scalars_at(below, path[1:])
