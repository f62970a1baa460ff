"""What a subscriber gets of a mutation's result: the result cut to the subscription's selection set.

The result is what the mutation's client got, aliases undone: values are in the form in which clients get them, and
fields that the mutation did not select are null. Resolvers of fields do not run again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    is_abstract_type,
    is_leaf_type,
)

from kumoi.services.appsync.execution.selections import Selections
from kumoi.services.appsync.execution.shown import brief, shown, written

Allowed = Callable[[str, str], bool]
"""Whether a field of a type is open to the subscriber."""
Fragments = Mapping[str, FragmentDefinitionNode]


class _Null(Exception):
    """A value is null that may not be; whatever holds it is null, too."""


class Projection(NamedTuple):
    """Selection sets to be taken from results, for whoever may see what is open."""

    schema: GraphQLSchema
    selections: Selections
    allowed: Allowed

    def of(self, field: FieldNode, payload: Any) -> dict[str, Any]:
        """`data` and, where there are some, `errors` of a subscription's field."""
        root = self.schema.subscription_type
        assert root is not None, "a document with a subscription was checked against the schema"
        errors: list[dict[str, Any]] = []
        key = _key(field)
        try:
            value = self._field(root, field.name.value, [field], payload, [key], errors)
        except _Null:
            return {"data": None, "errors": errors}
        return {"data": {key: value}, **({"errors": errors} if errors else {})}

    def _field(
        self, parent: Any, name: str, nodes: list[FieldNode], value: Any, path: list[Any], errors: list[dict[str, Any]]
    ) -> Any:
        type_ = parent.fields[name].type
        if not self.allowed(parent.name, name):
            errors.append(shown(f"Not Authorized to access {name} on type {parent.name}", path, "Unauthorized"))
            if isinstance(type_, GraphQLNonNull):
                raise _Null
            return None
        return self._value(type_, parent.name, nodes, value, path, errors)

    def _value(
        self, type_: Any, parent: str, nodes: list[FieldNode], value: Any, path: list[Any], errors: list[dict[str, Any]]
    ) -> Any:
        if isinstance(type_, GraphQLNonNull):
            before = len(errors)
            found = self._value(type_.of_type, parent, nodes, value, path, errors)
            if found is None:
                if len(errors) == before:
                    text = f"Cannot return null for non-nullable type: '{type_.of_type}' within parent '{parent}'"
                    errors.append(brief(f"{text} ({written(path)})", path))
                raise _Null
            return found
        if value is None:
            return None
        try:
            if isinstance(type_, GraphQLList):
                items = value if isinstance(value, list) else [value]
                return [
                    self._value(type_.of_type, parent, nodes, item, [*path, number], errors)
                    for number, item in enumerate(items)
                ]
            return value if is_leaf_type(type_) else self._object(type_, nodes, value, path, errors)
        except _Null:
            return None

    def _object(
        self, type_: Any, nodes: list[FieldNode], value: Any, path: list[Any], errors: list[dict[str, Any]]
    ) -> Any:
        if not isinstance(value, dict):
            return None
        if is_abstract_type(type_):
            found = self.schema.type_map.get(str(value.get("__typename")))
            if not isinstance(found, GraphQLObjectType):
                text = f"Abstract type '{type_.name}' must resolve to an Object type at runtime: select __typename."
                errors.append(shown(text, path))
                return None
            type_ = found
        made: dict[str, Any] = {}
        for key, of_key in self.selections.grouped([node.selection_set for node in nodes], type_).items():
            name = of_key[0].name.value
            if name == "__typename":
                made[key] = type_.name
            else:
                made[key] = self._field(type_, name, of_key, value.get(name), [*path, key], errors)
        return made


def unaliased(sets: Iterable[SelectionSetNode | None], fragments: Fragments, value: Any) -> Any:
    """A result as its client got it, members by the names of their fields."""
    sets = [one for one in sets if one is not None]
    if isinstance(value, list):
        return [unaliased(sets, fragments, one) for one in value]
    if not isinstance(value, dict) or not sets:
        return value
    below: dict[str, tuple[str, list[SelectionSetNode | None]]] = {}
    for node in _fields(sets, fragments, set()):
        below.setdefault(_key(node), (node.name.value, []))[1].append(node.selection_set)
    return {name: unaliased(inner, fragments, value[key]) for key, (name, inner) in below.items() if key in value}


def _fields(sets: Iterable[SelectionSetNode | None], fragments: Fragments, spread: set[str]) -> Iterable[FieldNode]:
    for one in sets:
        for node in one.selections if one is not None else ():
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, FragmentSpreadNode):
                if node.name.value not in spread:
                    spread.add(node.name.value)
                    yield from _fields([fragments[node.name.value].selection_set], fragments, spread)
            elif isinstance(node, InlineFragmentNode):
                yield from _fields([node.selection_set], fragments, spread)


def _key(node: FieldNode) -> str:
    return (node.alias or node.name).value
