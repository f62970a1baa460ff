"""Compiling: an operation of a query into a plan, for one outcome of its conditions and one kind of caller."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    is_abstract_type,
)

from kumoi.services.appsync.execution.arguments import arguments
from kumoi.services.appsync.execution.leaves import leaf
from kumoi.services.appsync.execution.plans import CompositePlan, FieldPlan, LeafPlan, ListPlan, ObjectPlan, TypePlan
from kumoi.services.appsync.execution.selections import Flags, Selections
from kumoi.services.appsync.resolving.outcomes import FieldError

_INTROSPECTION = ("__schema", "__type")


class Rules(NamedTuple):
    """What an API says of fields: their resolvers, why one is refused, if the roots' need a permission, the depth."""

    resolvers: Mapping[tuple[str, str], Any] = {}
    refuse: Callable[[str, str], FieldError | None] = lambda _type, _field: None
    asks: bool = False
    depth: int = 0


class Program(NamedTuple):
    """An operation ready to run: its root, whether that is serial, what asks for the schema, the keys in order."""

    root: ObjectPlan
    serial: bool
    introspection: DocumentNode | None
    keys: tuple[str, ...]


def program(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    flags: Flags,
    rules: Rules,
) -> Program:
    """Compile an operation."""
    root = schema.get_root_type(operation.operation)
    assert root is not None, "validation knows the operations that a schema has"
    selections = Selections(schema, fragments, flags)
    plan = _Compiler(schema, selections, rules).object(root, [operation.selection_set], 1)
    grouped = selections.grouped([operation.selection_set], root)
    asked = [node for nodes in grouped.values() for node in nodes if node.name.value in _INTROSPECTION]
    about = _about_schema(operation, fragments, asked) if asked else None
    return Program(plan, operation.operation is OperationType.MUTATION, about, tuple(grouped))


def _about_schema(
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    asked: Sequence[FieldNode],
) -> DocumentNode:
    only = OperationDefinitionNode(
        operation=operation.operation,
        variable_definitions=operation.variable_definitions,
        selection_set=SelectionSetNode(selections=tuple(asked)),
    )
    return DocumentNode(definitions=(only, *fragments.values()))


class _Compiler:
    def __init__(self, schema: GraphQLSchema, selections: Selections, rules: Rules) -> None:
        self._schema = schema
        self._selections = selections
        self._rules = rules

    def object(self, type_: GraphQLObjectType, sets: Sequence[SelectionSetNode | None], depth: int) -> ObjectPlan:
        fields: list[FieldPlan | str] = []
        for key, nodes in self._selections.grouped(sets, type_).items():
            name = nodes[0].name.value
            if name == "__typename":
                fields.append(key)
            elif name not in _INTROSPECTION:
                fields.append(self._field(type_, key, nodes, depth))
        return ObjectPlan(type_.name, fields)

    def _field(self, type_: GraphQLObjectType, key: str, nodes: Sequence[FieldNode], depth: int) -> FieldPlan:
        name, rules = nodes[0].name.value, self._rules
        definition = type_.fields[name]
        nullable = not isinstance(definition.type, GraphQLNonNull)
        plan = FieldPlan(
            key,
            type_.name,
            nodes,
            self._selections,
            self._type(definition.type, nodes, depth + 1),
            nullable,
            arguments(definition, nodes[0]),
        )
        if rules.depth and depth > rules.depth:
            plan.refusal = FieldError(f"Query depth limit of {rules.depth} is exceeded.", "QueryDepthLimitReached")
        else:
            plan.refusal = rules.refuse(type_.name, name)
        plan.resolver = rules.resolvers.get((type_.name, name))
        plan.asks = rules.asks and depth == 1
        return plan

    def _type(self, type_: GraphQLOutputType, nodes: Sequence[FieldNode], depth: int) -> TypePlan:
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLList):
            item: Any = type_.of_type
            return ListPlan(self._type(item, nodes, depth), not isinstance(item, GraphQLNonNull))
        if isinstance(type_, GraphQLScalarType | GraphQLEnumType):
            return LeafPlan(type_.name, leaf(type_))
        possible = self._schema.get_possible_types(type_) if is_abstract_type(type_) else [type_]

        def make(name: str) -> ObjectPlan:
            met = self._schema.type_map[name]
            assert isinstance(met, GraphQLObjectType)
            return self.object(met, [node.selection_set for node in nodes], depth)

        return CompositePlan(type_.name, frozenset(one.name for one in possible), make)
