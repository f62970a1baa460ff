"""ProjectionExpression: the part of an item that some paths lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kumoi.services.dynamodb.language.parser import parse_projection_text
from kumoi.services.dynamodb.language.paths import Path, check_apart, resolve
from kumoi.services.dynamodb.language.placeholders import Names
from kumoi.services.dynamodb.language.syntax import Element
from kumoi.services.dynamodb.language.values import Item, Value

_Tree = Mapping[Element, Any]


@dataclass(init=False, eq=False, repr=False)
class Projection:
    """Paths that do not overlap. `names` are the attributes they begin with."""

    names: tuple[str, ...]
    _tree: dict[Element, Any]

    def __init__(self, paths: Iterable[Path]) -> None:
        self._tree = {}
        for path in paths:
            place = self._tree
            for element in path[:-1]:
                place = place.setdefault(element, {})
            place[path[-1]] = {}
        self.names = tuple(str(name) for name in self._tree)

    def of(self, item: Item) -> Item:
        """What the paths lead to, within its maps and lists; elements of a list close up."""
        found: Item = {}
        for name, below in self._tree.items():
            value = item.get(str(name))
            if value is not None and (part := _part(value, below) if below else value) is not None:
                found[str(name)] = part
        return found


def parse_projection(text: str, names: Names, kind: str = "ProjectionExpression") -> Projection:
    """Read a projection; ValidationException where it is none."""
    paths = [resolve(node, names, kind) for node in parse_projection_text(text, kind)]
    check_apart(paths, kind)
    return Projection(paths)


def _part(value: Value, tree: _Tree) -> Value | None:
    """The part of a map or list below which `tree` names something; None when that is nothing."""
    if not tree:
        return value
    if isinstance(next(iter(tree)), int):
        elements = value.get("L", [])
        picked = [
            part
            for index in sorted(tree)
            if index < len(elements) and (part := _part(elements[index], tree[index])) is not None  # type: ignore[operator]
        ]
        return {"L": picked} if picked else None
    members = value.get("M", {})
    kept = {
        name: part
        for name, below in tree.items()
        if name in members and (part := _part(members[name], below)) is not None
    }
    return {"M": kept} if kept else None
