"""Queries, read and checked once for each text; what is large is read on a thread, what is huge is not read at all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    Visitor,
    parse,
    visit,
)

from kumoi.services.appsync.execution.shown import Shown, of_document
from kumoi.services.appsync.execution.validation import errors_of
from kumoi.services.appsync.schema.compiled import Compiled

KEPT = 512 * 1024
"""Characters of queries that are kept for a schema; longer ones than a quarter of it are read each time."""
MOST_TOKENS = 15_000
DEEPEST = 100
"""Levels of fields: what a JSON document may be nested for clients to read it."""
LONG = 1_000
"""From this many characters on, a query is read on a thread: some milliseconds."""
_TOO_DEEP = "The query nests too deep."


class Operation(NamedTuple):
    """An operation of a query; `conditions` are the variables that `@skip` and `@include` name anywhere in it.

    `queries` and `subscribes` say which kind it is: mutations are neither.
    """

    node: OperationDefinitionNode
    name: str | None
    conditions: tuple[str, ...]
    queries: bool
    subscribes: bool

    @classmethod
    def of(cls, node: OperationDefinitionNode, conditions: tuple[str, ...]) -> Operation:
        """The operation of a node."""
        name = node.name.value if node.name is not None else None
        kind = node.operation
        return cls(node, name, conditions, kind is OperationType.QUERY, kind is OperationType.SUBSCRIPTION)


class Document(NamedTuple):
    """A query: its errors as AppSync shows them, or what it can be asked to run."""

    text: str
    errors: list[Shown]
    operations: tuple[Operation, ...] = ()
    fragments: Mapping[str, FragmentDefinitionNode] = {}

    def operation(self, name: str | None) -> Operation | None:
        """The operation of that name, or the first where none is named; None when there is none such."""
        for one in self.operations:
            if not name or one.name == name:
                return one
        return None


async def document(found: Compiled, text: str, introspection: bool = True) -> Document:
    """Read and check a query, or find it among those that were."""
    key = (introspection, text)
    kept: Document | None = found.documents.get(key)
    if kept is not None:
        found.documents.move_to_end(key)
        return kept
    if len(text) < LONG:
        made = read(found, text, introspection)
    else:
        made = await asyncio.to_thread(read, found, text, introspection)
    if len(text) > KEPT // 4 or key in found.documents:
        return made
    found.documents[key] = made
    found.kept_characters += len(text) + LONG
    while found.kept_characters > KEPT:
        _key, left = found.documents.popitem(last=False)
        found.kept_characters -= len(left.text) + LONG
    return made


def read(found: Compiled, text: str, introspection: bool = True) -> Document:
    """Read and check a query."""
    try:
        node = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        return Document(text, [of_document(error, error.message)])
    except RecursionError:
        return Document(text, [of_document(GraphQLError(""), _TOO_DEEP)])
    try:
        errors = errors_of(found.schema, node, introspection)
    except RecursionError:
        errors = [of_document(GraphQLError(""), _TOO_DEEP)]
    if errors:
        return Document(text, errors)
    fragments = {one.name.value: one for one in node.definitions if isinstance(one, FragmentDefinitionNode)}
    known: dict[str, int] = {}
    conditions = _conditions(node)
    operations = []
    for one in node.definitions:
        if isinstance(one, OperationDefinitionNode):
            if depth(one.selection_set, fragments, known) > DEEPEST:
                return Document(text, [of_document(GraphQLError(""), _TOO_DEEP)])
            operations.append(Operation.of(one, conditions))
    return Document(text, [], tuple(operations), fragments)


def _conditions(node: DocumentNode) -> tuple[str, ...]:
    names: dict[str, None] = {}

    class Finder(Visitor):
        def enter_directive(self, directive: Any, *_: Any) -> None:
            if directive.name.value in ("skip", "include"):
                names.update((one.value.name.value, None) for one in directive.arguments if _is_variable(one.value))

    visit(node, Finder())
    return tuple(names)


def _is_variable(value: Any) -> bool:
    return isinstance(value, VariableNode)


def depth(node: SelectionSetNode | None, fragments: Mapping[str, Any], known: dict[str, int]) -> int:
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
