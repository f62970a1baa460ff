"""Queries, read and checked once for each text; and which fields they may come to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLObjectType,
    NoSchemaIntrospectionCustomRule,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    is_abstract_type,
    parse,
    specified_rules,
    validate,
    visit,
)

from kumoi.services.appsync.schema.compiled import Compiled

KEPT = 256
MOST_TOKENS = 15_000
_LONG = 1_000
"""From this many characters on, a query is read on a thread: some milliseconds."""
_RULES = {
    "FieldsOnCorrectTypeRule": "FieldUndefined",
    "KnownArgumentNamesRule": "UnknownArgument",
    "KnownDirectivesRule": "UnknownDirective",
    "KnownFragmentNamesRule": "UndefinedFragment",
    "KnownTypeNamesRule": "UnknownType",
    "LoneAnonymousOperationRule": "LoneAnonymousOperationViolation",
    "NoFragmentCyclesRule": "FragmentCycle",
    "NoSchemaIntrospectionCustomRule": "IntrospectionDisabled",
    "NoUndefinedVariablesRule": "UndefinedVariable",
    "NoUnusedFragmentsRule": "UnusedFragment",
    "NoUnusedVariablesRule": "UnusedVariable",
    "OverlappingFieldsCanBeMergedRule": "FieldsConflict",
    "ProvidedRequiredArgumentsRule": "MissingFieldArgument",
    "ScalarLeafsRule": "SubSelectionRequired",
    "ValuesOfCorrectTypeRule": "WrongType",
    "VariablesAreInputTypesRule": "NonInputTypeOnVariable",
    "VariablesInAllowedPositionRule": "VariableTypeMismatch",
}


class Document(NamedTuple):
    """A query: its errors as AppSync shows them, or the fields that may have resolvers."""

    node: DocumentNode | None
    errors: list[dict[str, Any]]
    fields: frozenset[tuple[str, str]] = frozenset()


async def document(found: Compiled, text: str, introspection: bool) -> Document:
    """Read and check a query, or find it among those that were."""
    key = f"{introspection}{text}"
    made: Document | None = found.documents.pop(key, None)
    if made is None:
        made = (
            _made(found, text, introspection)
            if len(text) < _LONG
            else await asyncio.to_thread(_made, found, text, introspection)
        )
    found.documents[key] = made
    if len(found.documents) > KEPT:
        found.documents.popitem(last=False)
    return made


def _made(found: Compiled, text: str, introspection: bool) -> Document:
    try:
        node = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        return Document(None, [_shown(error, error.message)])
    except RecursionError:
        return Document(None, [_shown(GraphQLError(""), "The query nests too deep.")])
    rules = (*specified_rules, *(() if introspection else (NoSchemaIntrospectionCustomRule,)))
    try:
        if not validate(found.schema, node, rules):
            return Document(node, [], _fields(found, node))
        errors = [_told(rule.__name__, error) for rule in rules for error in validate(found.schema, node, [rule])]
    except RecursionError:
        return Document(None, [_shown(GraphQLError(""), "The query nests too deep.")])
    return Document(node, errors)


def _told(rule: str, error: GraphQLError) -> dict[str, Any]:
    kind = _RULES.get(rule, rule.removesuffix("Rule"))
    first = error.nodes[0] if error.nodes else None
    name = getattr(getattr(first, "name", None), "value", "")
    text = error.message
    if kind == "FieldUndefined":
        type_name = text.partition("on type '")[2].partition("'")[0]
        text = f"Field '{name}' in type '{type_name}' is undefined"
    elif kind == "SubSelectionRequired" and "must not have a selection" in text:
        kind = "SubSelectionNotAllowed"
    where = f" @ '{name}'" if name else ""
    return _shown(error, f"Validation error of type {kind}: {text}{where}")


def _shown(error: GraphQLError, text: str) -> dict[str, Any]:
    return {
        "path": None,
        "locations": [
            {"line": where.line, "column": where.column, "sourceName": None} for where in error.locations or ()
        ],
        "message": text,
    }


def _fields(found: Compiled, node: DocumentNode) -> frozenset[tuple[str, str]]:
    """The fields of object types that a query asks for."""
    known = TypeInfo(found.schema)
    fields: set[tuple[str, str]] = set()

    class Collector(Visitor):
        def enter_field(self, field: FieldNode, *_: Any) -> None:
            parent = known.get_parent_type()
            if isinstance(parent, GraphQLObjectType):
                fields.add((parent.name, field.name.value))
            elif parent is not None and is_abstract_type(get_named_type(parent)):
                possible = found.schema.get_possible_types(parent)
                fields.update((one.name, field.name.value) for one in possible)

    visit(node, TypeInfoVisitor(known, Collector()))
    return frozenset(fields)


def depth(node: Any, fragments: Mapping[str, Any], known: dict[str, int]) -> int:
    """How deep a selection set nests; fragments have no cycles in a valid document, and are measured once (`known`)."""
    deepest = 0
    for one in node.selections if node is not None else ():
        if isinstance(one, FieldNode):
            found = 1 + depth(one.selection_set, fragments, known)
        elif isinstance(one, FragmentSpreadNode):
            name = one.name.value
            if name not in known:
                known[name] = depth(fragments[name].selection_set, fragments, known)
            found = known[name]
        else:
            found = depth(getattr(one, "selection_set", None), fragments, known)
        deepest = max(deepest, found)
    return deepest
