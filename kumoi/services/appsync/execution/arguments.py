"""The arguments of a field: coerced once where no variable is in them, else with a request's variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    Undefined,
    VariableNode,
    Visitor,
    get_argument_values,
    is_non_null_type,
    visit,
)
from graphql.execution.values import VariableValues

Arguments = Callable[[VariableValues], dict[str, Any]]
"""Gives the arguments for a request's variables; raises GraphQLError."""


def arguments(definition: GraphQLField, node: FieldNode) -> Arguments:
    """How a field's arguments are made."""
    if not definition.args:
        return _nothing
    if not _has_variables(node):
        return _constant(definition, node)
    return _direct(definition, node) or (lambda variables: get_argument_values(definition, node, variables))


def _nothing(_variables: VariableValues) -> dict[str, Any]:
    return {}


def _constant(definition: GraphQLField, node: FieldNode) -> Arguments:
    try:
        made = get_argument_values(definition, node)
    except GraphQLError:
        return lambda variables: get_argument_values(definition, node, variables)
    return lambda _variables: fresh(made)


def _direct(definition: GraphQLField, node: FieldNode) -> Arguments | None:
    """For arguments that each are a variable, which is what clients write; None for others."""
    given = {one.name.value: one.value for one in node.arguments or ()}
    wanted: list[tuple[str, str, bool, bool]] = []
    for name, argument in definition.args.items():
        value = given.get(name)
        defaulted = argument.default is not None or argument.default_value is not Undefined
        required = is_non_null_type(argument.type)
        if value is None and not defaulted and not required:
            continue
        if not isinstance(value, VariableNode):
            return None
        wanted.append((name, value.name.value, required, defaulted or required))

    def made(variables: VariableValues) -> dict[str, Any]:
        held, found = variables.coerced, {}
        for name, variable, required, needed in wanted:
            if variable in held:
                value = held[variable]
                if value is None and required:
                    return get_argument_values(definition, node, variables)
                found[name] = fresh(value)
            elif needed:
                return get_argument_values(definition, node, variables)
        return found

    return made


def fresh(value: Any) -> Any:
    """A copy that a program may change."""
    if isinstance(value, dict):
        return {name: fresh(one) for name, one in value.items()}
    if isinstance(value, list):
        return [fresh(one) for one in value]
    return value


def _has_variables(node: FieldNode) -> bool:
    found: list[VariableNode] = []

    class Finder(Visitor):
        def enter_variable(self, variable: VariableNode, *_: Any) -> None:
            found.append(variable)

    for one in node.arguments or ():
        visit(one, Finder())
    return bool(found)
