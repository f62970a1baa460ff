"""Checking a query against a schema, with AppSync's names of rules in the errors.

The library for GraphQL checks, except where its time grows with the square of the query (`conflicts.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ValidationRule,
    specified_rules,
    validate,
)
from graphql.validation import ASTValidationContext

from kumoi.services.appsync.execution.conflicts import Conflict, Merging, TooComplex
from kumoi.services.appsync.execution.shown import Shown, of_document

_NAMES = {
    "FieldsOnCorrectTypeRule": "FieldUndefined",
    "KnownArgumentNamesRule": "UnknownArgument",
    "KnownDirectivesRule": "UnknownDirective",
    "KnownFragmentNamesRule": "UndefinedFragment",
    "KnownTypeNamesRule": "UnknownType",
    "LoneAnonymousOperationRule": "LoneAnonymousOperationViolation",
    "NoFragmentCyclesRule": "FragmentCycle",
    "NoUndefinedVariablesRule": "UndefinedVariable",
    "NoUnusedFragmentsRule": "UnusedFragment",
    "NoUnusedVariablesRule": "UnusedVariable",
    "ProvidedRequiredArgumentsRule": "MissingFieldArgument",
    "ScalarLeafsRule": "SubSelectionRequired",
    "ValuesOfCorrectTypeRule": "WrongType",
    "VariablesAreInputTypesRule": "NonInputTypeOnVariable",
    "VariablesInAllowedPositionRule": "VariableTypeMismatch",
}


class _NamedError(GraphQLError):
    """An error that says which rule it is of."""

    rule = ""


class _Naming:
    """What a rule knows of the query; the errors that it reports have its name."""

    def __init__(self, context: ASTValidationContext, rule: str) -> None:
        self._context = context
        self._rule = rule

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def report_error(self, error: GraphQLError) -> None:
        """Report an error with the rule's name."""
        named = _NamedError(error.message, error.nodes)
        named.rule = self._rule
        self._context.report_error(named)


def _naming(rule: type[Any]) -> Callable[[Any], Any]:
    name = _NAMES.get(rule.__name__, rule.__name__.removesuffix("Rule"))
    return lambda context: rule(_Naming(context, name))


class FieldUndefinedRule(ValidationRule):
    """Introspection is switched off: the types that describe a schema have no fields."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Refuse fields of such types."""
        parent = self.context.get_parent_type()
        if parent is not None and parent.name.startswith("__"):
            self.report_error(GraphQLError(f"on type '{parent.name}'", node))


_RULES: Any = [_naming(rule) for rule in specified_rules if rule is not OverlappingFieldsCanBeMergedRule]
_CLOSED = [*_RULES, _naming(FieldUndefinedRule)]


def errors_of(schema: GraphQLSchema, node: DocumentNode, introspection: bool) -> list[Shown]:
    """What is wrong with a query, as AppSync shows it."""
    found = validate(schema, node, _RULES if introspection else _CLOSED, hide_suggestions=True)
    errors = found or list(_conflicts(schema, node))
    if not errors:
        return []
    places = {id(field): path for definition in node.definitions for field, path in _places(definition, "")}
    return [_told(error, places) for error in errors]


def _conflicts(schema: GraphQLSchema, node: DocumentNode) -> Iterator[GraphQLError]:
    fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
    merging = Merging(schema, fragments)
    for one in node.definitions:
        if isinstance(one, OperationDefinitionNode):
            try:
                merging.check(schema.get_root_type(one.operation), one.selection_set)
            except Conflict as conflict:
                error = _NamedError(str(conflict), conflict.nodes)
                error.rule = "FieldsConflict"
                yield error
            except TooComplex:
                yield GraphQLError("The query is too complex: its fragments overlap in too many ways.")
                return


def _told(error: GraphQLError, places: dict[int, str]) -> Shown:
    if not isinstance(error, _NamedError):
        return of_document(error, error.message)
    kind, text, first = error.rule, error.message, error.nodes[0] if error.nodes else None
    name = getattr(getattr(first, "name", None), "value", "")
    if kind == "FieldUndefined":
        type_name = text.partition("on type '")[2].partition("'")[0]
        text = f"Field '{name}' in type '{type_name}' is undefined"
    elif kind == "SubSelectionRequired" and "must not have a selection" in text:
        kind = "SubSelectionNotAllowed"
    place = places.get(id(first), name)
    where = f" @ '{place}'" if place else ""
    return of_document(error, f"Validation error of type {kind}: {text}{where}")


def _places(node: Node, above: str) -> Iterator[tuple[Node, str]]:
    """The fields below a node, and the names on the way to each."""
    waiting = [(node, above)]
    while waiting:
        one, path = waiting.pop()
        if isinstance(one, FieldNode):
            path = f"{path}/{one.name.value}" if path else one.name.value
            yield one, path
        elif isinstance(one, FragmentDefinitionNode):
            path = one.name.value
        below = getattr(one, "selection_set", None)
        waiting += [(inner, path) for inner in (below.selections if below is not None else ())]
