"""Running a query: each field by its resolver, else out of its parent, and only for whom it is open.

The library for GraphQL does the execution: query fields together, mutation fields one after another, nulls where a
field failed.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
from collections.abc import Mapping
from typing import Any

from graphql import (
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    OperationDefinitionNode,
    OperationType,
    execute,
)

from kumoi.services.appsync.access import allowed, permitted
from kumoi.services.appsync.execution import selections
from kumoi.services.appsync.execution.documents import Document, depth
from kumoi.services.appsync.resolving.field import Asked, Field
from kumoi.services.appsync.resolving.outcomes import FieldError, Unauthorized
from kumoi.services.appsync.resolving.resolver import Plan, resolve
from kumoi.services.appsync.resolving.templates import Templates
from kumoi.services.appsync.schema.compiled import Compiled

logger = logging.getLogger(__name__)

SECONDS = 30.0
MAX_RESOLVERS = 10_000
_NULL = re.compile(r"Cannot return null for non-nullable field (\w+)\.(\w+)\.")
_MISSING = re.compile(
    r"Variable '\$(\w+)' has invalid value.*?non-null type '([^']+)' (?:to be provided|not to be None)\."
)


def operations(document: Document) -> list[OperationDefinitionNode]:
    """The operations of a query."""
    assert document.node is not None
    return [node for node in document.node.definitions if isinstance(node, OperationDefinitionNode)]


def refusal(document: Document, chosen: OperationDefinitionNode, limit: int) -> str | None:
    """Why an operation is not run, if it is not."""
    assert document.node is not None
    if chosen.operation is OperationType.SUBSCRIPTION:
        return "Subscriptions are not served over HTTP: connect to the real-time endpoint by WebSocket."
    fragments = {
        node.name.value: node for node in document.node.definitions if isinstance(node, FragmentDefinitionNode)
    }
    if limit and depth(chosen.selection_set, fragments, {}) > limit:
        return f"Query depth limit of {limit} is exceeded."
    return None


async def run(
    asked: Asked,
    found: Compiled,
    plans: Mapping[tuple[str, str], Plan | FieldError],
    kept: Templates,
    document: Document,
    operation: str | None,
) -> dict[str, Any]:
    """What a query comes to: `data`, and `errors` where there are some."""
    limit = asked.api.properties.get("resolverCountLimit") or MAX_RESOLVERS
    roots = {found.schema.query_type, found.schema.mutation_type}

    def field_resolver(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if not allowed(found, asked, info.parent_type.name, info.field_name):
            raise Unauthorized(info.parent_type.name, info.field_name)
        plan = plans.get((info.parent_type.name, info.field_name))
        signed = asked.caller.mode == "AWS_IAM" and info.parent_type in roots
        if plan is None and not signed:
            return _member(source, info.field_name)
        asked.resolved += 1
        if asked.resolved > limit:
            raise FieldError(f"Resolver invocation limit of {limit} is exceeded.", "ResolverExecutionLimitReached")
        return resolved(source, info, arguments, plan)

    async def resolved(
        source: Any, info: GraphQLResolveInfo[Any], arguments: dict[str, Any], plan: Plan | FieldError | None
    ) -> Any:
        if asked.caller.mode == "AWS_IAM" and info.parent_type in roots:
            await permitted(asked, info.parent_type.name, info.field_name)
        if plan is None:
            return _member(source, info.field_name)
        if isinstance(plan, FieldError):
            raise FieldError(plan.message, plan.kind)
        field = Field(
            asked,
            info.parent_type.name,
            info.field_name,
            arguments,
            source,
            list(info.path.as_list()),
            selections.paths(info, [node.selection_set for node in info.field_nodes]),
            selections.text(info.field_nodes),
            info,
        )
        try:
            return await resolve(kept, field, plan)
        except FieldError as error:
            error.data = _cut(info, error.data)
            raise

    assert document.node is not None
    try:
        async with asyncio.timeout(SECONDS):
            result = execute(
                found.schema,
                document.node,
                None,
                None,
                dict(asked.variables),
                operation,
                field_resolver,
                _type_of,
            )
            finished: Any = await result if inspect.isawaitable(result) else result
    except TimeoutError:
        return {"data": None, "errors": [_shown("Execution timed out.", None, None, "ExecutionTimeout")]}
    assert isinstance(finished, ExecutionResult)
    errors = [_of_field(found, error) for error in finished.errors or ()]
    for field, error in asked.appended:
        where = [node.loc for node in field.where.field_nodes[:1]]
        shown = _shown(error.message, field.path, None, error.kind)
        shown["locations"] = [
            {"line": loc.start_token.line, "column": loc.start_token.column, "sourceName": None} for loc in where if loc
        ]
        errors.append(shown | {"data": _cut(field.where, error.data), "errorInfo": error.info})
    return {"data": finished.data, **({"errors": errors} if errors else {})}


def _member(source: Any, name: str) -> Any:
    return source.get(name) if isinstance(source, dict) else None


def _cut(info: GraphQLResolveInfo[Any], data: Any) -> Any:
    return selections.cut(info, [node.selection_set for node in info.field_nodes], data)


def _type_of(value: Any, info: GraphQLResolveInfo[Any], abstract: Any) -> str:
    name = value.get("__typename") if isinstance(value, dict) else None
    if not isinstance(name, str):
        raise FieldError(
            f"Abstract type '{abstract.name}' must resolve to an Object type at runtime for field"
            f" '{info.parent_type.name}.{info.field_name}': the value has no __typename."
        )
    return name


def _shown(message: str, path: list[Any] | None, error: GraphQLError | None, kind: str | None = None) -> dict[str, Any]:
    places = (error.locations or ()) if error is not None else ()
    return {
        "path": path,
        "data": None,
        "errorType": kind,
        "errorInfo": None,
        "locations": [{"line": one.line, "column": one.column, "sourceName": None} for one in places] or None,
        "message": message,
    }


def _of_field(found: Compiled, error: GraphQLError) -> dict[str, Any]:
    path = list(error.path) if error.path is not None else None
    original = error.original_error
    if isinstance(original, FieldError):
        shown = _shown(original.message, path, error, original.kind)
        return shown | {"data": original.data, "errorInfo": original.info}
    below = f"/{'/'.join(map(str, path or ()))}"
    if match := _NULL.fullmatch(error.message):
        parent = found.schema.type_map[match[1]]
        assert isinstance(parent, GraphQLObjectType)
        kind = str(getattr(parent.fields[match[2]].type, "of_type", parent.fields[match[2]].type))
        text = f"Cannot return null for non-nullable type: '{kind}' within parent '{match[1]}' ({below})"
        return {"path": path, "locations": None, "message": text}
    if path is None:
        if match := _MISSING.search(error.message):
            text = f"Variable '{match[1]}' has coerced Null value for NonNull type '{match[2]}'"
            return _shown(text, None, error)
        return _shown(error.message, None, error)
    if isinstance(original, ValueError | GraphQLError):
        return _shown(f"Can't serialize value ({below}) : {original}", path, error)
    if original is not None and not isinstance(original, TypeError):
        logger.error("a field of an API failed", exc_info=original)
        return _shown("Internal Failure", path, error, "InternalFailure")
    return _shown(f"Can't resolve value ({below}) : {error.message}", path, error)
