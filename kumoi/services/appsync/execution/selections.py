"""What a selection set asks for: its fields by response key, as a list of paths, as text, as what remains of a value.

`@skip` and `@include` are decided before: a plan is for one outcome of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
    print_ast,
)

MOST_PATHS = 10_000
"""Paths after which `selectionSetList` is cut off: fragments in fragments may come to any number."""

Flags = Mapping[str, bool]
"""The values of the variables that `@skip` and `@include` name."""


class Selections:
    """The selection sets of one query under one outcome of its conditions."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], flags: Flags) -> None:
        self._schema = schema
        self._fragments = fragments
        self._flags = flags

    def grouped(
        self, sets: Iterable[SelectionSetNode | None], type_: GraphQLObjectType | None = None
    ) -> dict[str, list[FieldNode]]:
        """The fields of selection sets by response key; only those that an object of that type has."""
        found: dict[str, list[FieldNode]] = {}
        for node in self._fields(sets, type_, set()):
            found.setdefault((node.alias or node.name).value, []).append(node)
        return found

    def _fields(
        self, sets: Iterable[SelectionSetNode | None], type_: GraphQLObjectType | None, spread: set[str]
    ) -> Iterator[FieldNode]:
        for one in sets:
            for selection in one.selections if one is not None else ():
                if selection.directives and not self._included(selection.directives):
                    continue
                if isinstance(selection, FieldNode):
                    yield selection
                elif isinstance(selection, FragmentSpreadNode):
                    name = selection.name.value
                    if name in spread:
                        continue
                    fragment = self._fragments[name]
                    if type_ is None or self._applies(fragment, type_):
                        spread.add(name)
                        yield from self._fields([fragment.selection_set], type_, spread)
                elif isinstance(selection, InlineFragmentNode) and (type_ is None or self._applies(selection, type_)):
                    yield from self._fields([selection.selection_set], type_, spread)

    def _applies(self, fragment: FragmentDefinitionNode | InlineFragmentNode, type_: GraphQLObjectType) -> bool:
        condition = fragment.type_condition
        if condition is None or condition.name.value == type_.name:
            return True
        wanted = self._schema.type_map.get(condition.name.value)
        return wanted is not None and is_abstract_type(wanted) and self._schema.is_sub_type(wanted, type_)

    def _included(self, directives: Iterable[DirectiveNode]) -> bool:
        for one in directives:
            if one.name.value in ("skip", "include") and one.arguments:
                given = one.arguments[0].value
                holds = self._flags[given.name.value] if isinstance(given, VariableNode) else given.value  # type: ignore[attr-defined]
                if holds is (one.name.value == "skip"):
                    return False
        return True

    def paths(self, nodes: Iterable[FieldNode]) -> list[str]:
        """`selectionSetList`: `id`, `author`, `author/name`; aliases where there are some."""
        found: dict[str, None] = {}
        self._collect(nodes, "", found)
        return list(found)

    def _collect(self, nodes: Iterable[FieldNode], prefix: str, found: dict[str, None]) -> None:
        for key, below in self.grouped([node.selection_set for node in nodes]).items():
            if len(found) >= MOST_PATHS:
                return
            found[f"{prefix}{key}"] = None
            self._collect(below, f"{prefix}{key}/", found)

    def cut(self, nodes: Iterable[FieldNode], value: Any) -> Any:
        """What of a value the selection set of a field asks for."""
        if isinstance(value, list):
            return [self.cut(nodes, one) for one in value]
        if not isinstance(value, dict):
            return value
        asked = self.grouped([node.selection_set for node in nodes])
        return {
            key: self.cut(below, value[below[0].name.value])
            for key, below in asked.items()
            if below[0].name.value in value
        } or None


def text(nodes: Iterable[FieldNode]) -> str:
    """`selectionSetGraphQL`."""
    return "\n".join(print_ast(node.selection_set) for node in nodes if node.selection_set is not None)
