"""Holding an event against a pattern.

A pattern is a tree of the fields it names, with a condition at each leaf. An array in the event is a set: one of its
elements has to meet everything that the pattern says below it, the same element for all of it. A scalar in an array
stands beside the objects in it: a pattern that asks for a field's value and for fields below it may find the one in
the scalar and the others in an object of the same array (so does AWS's event-ruler). Keys with dots mean paths, in
events as in patterns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
        return (value is not MISSING and self.holds(value)) or self.is_absent(event)

    def is_absent(self, event: Mapping[str, Any]) -> bool:
        """Whether the field is demanded to be absent, and the event nowhere has it."""
        return self.absent and next(scalars_at(event, self.path), MISSING) is MISSING

    def holds(self, value: Any) -> bool:
        """Whether a value that is there is what is demanded; of an array, whether one of its scalars is."""
        if isinstance(value, str):
            if value in self.texts:
                return True
        elif isinstance(value, list):
            return any(self.holds(one) for one in elements(value))
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
    """The conditions below one field: on its fields themselves, and further below them."""

    leaves: list[tuple[str, Leaf]] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)

    def matches(self, value: Any, event: Mapping[str, Any]) -> bool:
        """Whether a value of `event` meets all that is said below this node."""
        if isinstance(value, list):
            alternatives = list(elements(value))
            if alternatives:
                return any(self.matches(one, event) for one in alternatives)
        fields: Mapping[str, Any] = value if isinstance(value, dict) else {}
        below = undotted(fields)
        for name, leaf in self.leaves:
            if not leaf.matches((fields if "." in name else below).get(name, MISSING), event):
                return False
        for name, node in self.nodes.items():
            inner = below.get(name, MISSING)
            if not node.matches(inner, event):
                return False
            if isinstance(inner, list):
                both = [leaf for named, leaf in self.leaves if named == name]
                if both and not node.matches_beside(inner, both, event):
                    return False
        return True

    def matches_beside(self, array: list[Any], wanted: Sequence[Leaf], event: Mapping[str, Any]) -> bool:
        """Whether something in an array meets this node while the scalars on the way to it meet the leaves `wanted`."""
        scalars = [one for one in array if not isinstance(one, list | dict)]
        wanted = [leaf for leaf in wanted if not leaf.is_absent(event) and not any(map(leaf.holds, scalars))]
        if not wanted and self.matches(MISSING, event):
            return True
        return any(
            self.matches_beside(one, wanted, event)
            if isinstance(one, list)
            else not wanted and self.matches(one, event)
            for one in array
            if isinstance(one, list | dict)
        )


class Pattern:
    """A compiled pattern: an event passes when it meets all the conditions of one of the trees."""

    def __init__(self, trees: Sequence[Node]) -> None:
        self._trees = trees

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Whether the event (parsed JSON) passes."""
        return any(tree.matches(event, event) for tree in self._trees)


def elements(array: list[Any]) -> Iterator[Any]:
    """The elements of an array, and those of the arrays in it; an empty array has none."""
    waiting = [array]
    while waiting:
        for one in waiting.pop():
            if isinstance(one, list):
                waiting.append(one)
            else:
                yield one


def undotted(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of an object, with keys that hold dots taken apart into paths.

    Where a key and a path both begin with a name and are not both objects, the name has the two as a set.
    """
    if not any("." in name for name in fields):
        return fields
    plain: dict[str, Any] = {name: value for name, value in fields.items() if "." not in name}
    for name, value in fields.items():
        if "." in name:
            first, _, rest = name.partition(".")
            below = {rest: value}
            known = plain.get(first, MISSING)
            if known is MISSING:
                plain[first] = below
            elif isinstance(known, dict):
                plain[first] = {**known, **below}
            else:
                plain[first] = [*(known if isinstance(known, list) else [known]), below]
    return plain


def scalars_at(value: Any, path: Path) -> Iterator[Any]:
    """The scalars of an event at a path, whatever arrays are on the way."""
    if isinstance(value, list):
        for one in elements(value):
            yield from scalars_at(one, path)
    elif not path:
        if not isinstance(value, dict):
            yield value
    elif isinstance(value, dict):
        name = path[0]
        below = value.get(name, MISSING) if "." in name else undotted(value).get(name, MISSING)
        if below is not MISSING:
            yield from scalars_at(below, path[1:])
