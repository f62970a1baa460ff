"""What a field's selection set asks for: as a list of paths, as text, and as what remains of a value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, SelectionSetNode, print_ast


def fields(
    info: GraphQLResolveInfo[Any], sets: Iterable[SelectionSetNode | None], spread: set[str] | None = None
) -> Iterator[FieldNode]:
    """The fields of selection sets, each fragment spread once."""
    spread = set() if spread is None else spread
    for one in sets:
        for selection in one.selections if one is not None else ():
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name not in spread:
                    spread.add(name)
                    yield from fields(info, [info.fragments[name].selection_set], spread)
            else:
                yield from fields(info, [getattr(selection, "selection_set", None)], spread)


def paths(info: GraphQLResolveInfo[Any], sets: Iterable[SelectionSetNode | None], prefix: str = "") -> list[str]:
    """`selectionSetList`: `id`, `author`, `author/name`; aliases where there are some."""
    found: list[str] = []
    for node in fields(info, sets):
        path = f"{prefix}{(node.alias or node.name).value}"
        if path not in found:
            found.append(path)
        found += [one for one in paths(info, [node.selection_set], f"{path}/") if one not in found]
    return found


def text(nodes: Iterable[FieldNode]) -> str:
    """`selectionSetGraphQL`."""
    return "\n".join(print_ast(node.selection_set) for node in nodes if node.selection_set is not None)


def cut(info: GraphQLResolveInfo[Any], sets: list[SelectionSetNode | None], value: Any) -> Any:
    """What of a value a selection set asks for."""
    if isinstance(value, list):
        return [cut(info, sets, one) for one in value]
    if not isinstance(value, dict) or not any(one is not None for one in sets):
        return value if not isinstance(value, dict) else None
    return {
        (node.alias or node.name).value: cut(info, [node.selection_set], value[node.name.value])
        for node in fields(info, sets)
        if node.name.value in value
    }
