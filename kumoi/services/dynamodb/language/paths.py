"""Document paths in items: resolving their names, finding what they lead to, and which of them may stand together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kumoi.services.dynamodb.language.parser import failure
from kumoi.services.dynamodb.language.placeholders import Names
from kumoi.services.dynamodb.language.syntax import Element, PathNode
from kumoi.services.dynamodb.language.values import Item, Value

Path = tuple[Element, ...]


def resolve(node: PathNode, names: Names, kind: str) -> Path:
    """A path with its placeholders replaced; the first element is an attribute's name."""
    return tuple(
        _resolved(element, names, kind) if isinstance(element, str) and element[0] == "#" else element
        for element in node.elements
    )


def _resolved(placeholder: str, names: Names, kind: str) -> str:
    name = names.get(placeholder)
    if name is None:
        raise failure(
            kind,
            f"An expression attribute name used in the document path is not defined; attribute name: {placeholder}",
        )
    return name


def value_at(item: Item, path: Path) -> Value | None:
    """What a path leads to; None where it leads to nothing."""
    value = item.get(path[0])  # type: ignore[arg-type]
    for element in path[1:]:
        if value is None:
            return None
        value = child(value, element)
    return value


def child(value: Value, element: Element) -> Value | None:
    """An element of a list or a member of a map."""
    if isinstance(element, int):
        elements = value.get("L")
        return elements[element] if elements is not None and element < len(elements) else None
    members = value.get("M")
    return None if members is None else members.get(element)


def shown(path: Sequence[Element]) -> str:
    """A path as error messages show it."""
    return "[" + ", ".join(f"[{element}]" if isinstance(element, int) else element for element in path) + "]"


class _Place:
    """A place in the tree of some paths: the first path through it, and whether one ends here."""

    __slots__ = ("below", "ends", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ends = False
        self.below: dict[Element, _Place] = {}


def check_apart(paths: Iterable[Path], kind: str) -> None:
    """Refuse paths of which one leads through another, or that see a list and a map in the same place."""
    root = _Place(())
    conflict: tuple[Path, Path] | None = None
    for path in paths:
        place = root
        for element in path:
            if place.below and conflict is None:
                known, other = next(iter(place.below.items()))
                if isinstance(known, int) != isinstance(element, int):
                    conflict = (other.path, path)
            place = place.below.setdefault(element, _Place(path))
            if place.ends:
                break
        if place.ends or place.below:
            raise failure(
                kind,
                "Two document paths overlap with each other; must remove or rewrite one of these paths; "
                f"path one: {shown(place.path)}, path two: {shown(path)}",
            )
        place.ends = True
    if conflict is not None:
        raise failure(
            kind,
            "Two document paths conflict with each other; must remove or rewrite one of these paths; "
            f"path one: {shown(conflict[0])}, path two: {shown(conflict[1])}",
        )
