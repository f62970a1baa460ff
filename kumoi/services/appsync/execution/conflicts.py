"""Whether fields that share a response key can be merged, in time that grows with the query and not with its square.

First all that share a key must have results of one shape, whatever object they are of; then those that may meet on one
object must be the same field with the same arguments. Each set of fields is looked at once, and looking is limited: a
query may be made so that there are very many sets. The rule is "Field Selection Merging" of the GraphQL specification,
the order of looking that of "GraphQL Overlapping Fields Can Be Merged fast" (Adameit).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
    print_ast,
)

MOST = 200_000
"""Fields that are looked at."""


class Conflict(Exception):
    """Two fields that cannot be merged, and why."""

    def __init__(self, key: str, reason: str, nodes: Sequence[FieldNode]) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.nodes = nodes


class TooComplex(Exception):
    """Looking took too long."""


class _Field(NamedTuple):
    node: FieldNode
    parent: Any
    type: Any


class Merging:
    """The check of one query."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self._left = MOST
        self._shapes: set[frozenset[int]] = set()
        self._same: set[frozenset[int]] = set()
        self._arguments: dict[int, str] = {}

    def check(self, root: Any, selections: SelectionSetNode) -> None:
        """Raise Conflict or TooComplex."""
        fields = list(self._fields(root, selections, set()))
        self._check_shapes(fields)
        self._check_same(fields)

    def _fields(self, parent: Any, selections: SelectionSetNode | None, spread: set[str]) -> Iterator[_Field]:
        for one in selections.selections if selections is not None else ():
            self._left -= 1
            if self._left < 0:
                raise TooComplex
            if isinstance(one, FieldNode):
                known = parent.fields if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) else {}
                definition = known.get(one.name.value)
                yield _Field(one, parent, definition.type if definition is not None else None)
            elif isinstance(one, InlineFragmentNode):
                condition = one.type_condition
                inner = self._schema.type_map.get(condition.name.value) if condition is not None else parent
                yield from self._fields(inner, one.selection_set, spread)
            elif isinstance(one, FragmentSpreadNode):
                name = one.name.value
                fragment = self._fragments.get(name)
                if fragment is not None and name not in spread:
                    spread.add(name)
                    inner = self._schema.type_map.get(fragment.type_condition.name.value)
                    yield from self._fields(inner, fragment.selection_set, spread)

    def _below(self, fields: Iterable[_Field]) -> list[_Field]:
        spread: set[str] = set()
        found: dict[int, _Field] = {}
        for field in fields:
            inner = get_named_type(field.type) if field.type is not None else None
            for one in self._fields(inner, field.node.selection_set, spread):
                found[id(one.node)] = one
        return list(found.values())

    def _check_shapes(self, fields: list[_Field]) -> None:
        key = frozenset(id(field.node) for field in fields)
        if key in self._shapes:
            return
        self._shapes.add(key)
        for response_key, group in _by_key(fields):
            first = next((field for field in group if field.type is not None), None)
            for field in group:
                if first is not None and field.type is not None and not _alike(first.type, field.type):
                    told = f"they have differing types {first.type} and {field.type}"
                    raise Conflict(response_key, told, [first.node, field.node])
            below = self._below(group)
            if below:
                self._check_shapes(below)

    def _check_same(self, fields: list[_Field]) -> None:
        key = frozenset(id(field.node) for field in fields)
        if key in self._same:
            return
        self._same.add(key)
        for response_key, group in _by_key(fields):
            for meeting in _meeting(group):
                first = meeting[0].node
                for field in meeting[1:]:
                    node = field.node
                    if node.name.value != first.name.value:
                        told = f"{first.name.value} and {node.name.value} are different fields"
                        raise Conflict(response_key, told, [first, node])
                    if self._given(node) != self._given(first):
                        raise Conflict(response_key, "they have differing arguments", [first, node])
                below = self._below(meeting)
                if below:
                    self._check_same(below)

    def _given(self, node: FieldNode) -> str:
        if not node.arguments:
            return ""
        found = self._arguments.get(id(node))
        if found is None:
            found = self._arguments[id(node)] = "\n".join(sorted(_text(one) for one in node.arguments))
        return found


def _text(argument: Any) -> str:
    return f"{argument.name.value}:{_value(argument.value)}"


def _value(node: Any) -> str:
    """A value as text, the fields of objects in order."""
    if node.kind == "object_value":
        return "{" + ",".join(sorted(_text(field) for field in node.fields)) + "}"
    if node.kind == "list_value":
        return "[" + ",".join(_value(one) for one in node.values) + "]"
    return print_ast(node)


def _by_key(fields: Iterable[_Field]) -> Iterable[tuple[str, list[_Field]]]:
    groups: dict[str, list[_Field]] = {}
    for field in fields:
        groups.setdefault((field.node.alias or field.node.name).value, []).append(field)
    return groups.items()


def _meeting(group: list[_Field]) -> list[list[_Field]]:
    """Fields that may meet on one object: those of each object type, together with those of abstract types."""
    abstract = [field for field in group if not isinstance(field.parent, GraphQLObjectType)]
    concrete: dict[str, list[_Field]] = {}
    for field in group:
        if isinstance(field.parent, GraphQLObjectType):
            concrete.setdefault(field.parent.name, []).append(field)
    if not concrete:
        return [abstract]
    return [[*abstract, *fields] for fields in concrete.values()]


def _alike(one: Any, other: Any) -> bool:
    """Whether two types have values of one shape."""
    for kind in (GraphQLList, GraphQLNonNull):
        if isinstance(one, kind) or isinstance(other, kind):
            return isinstance(one, kind) and isinstance(other, kind) and _alike(one.of_type, other.of_type)
    return one is other or not (is_leaf_type(one) or is_leaf_type(other))
