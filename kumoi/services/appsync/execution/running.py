"""Running a query: variables, then the program, each field by its resolver.

`run` answers a request to an API. `select` answers a selection set over a value that is there already, such as what a
mutation came to for those who subscribed to it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError, execute_sync, get_variable_values
from graphql.execution.values import VariableValues

from kumoi.services.appsync.access import permitted
from kumoi.services.appsync.execution.compiler import Program, Rules, program
from kumoi.services.appsync.execution.documents import Document, Operation
from kumoi.services.appsync.execution.executor import Execution, Resolve
from kumoi.services.appsync.execution.plans import FieldPlan, Pending
from kumoi.services.appsync.execution.shown import Shown, of_document, shown
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.resolving.cached import resolved
from kumoi.services.appsync.resolving.field import Asked, Field
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.resolver import Plan, resolve
from kumoi.services.appsync.resolving.siblings import Siblings
from kumoi.services.appsync.resolving.templates import Templates
from kumoi.services.appsync.schema.compiled import Compiled

if TYPE_CHECKING:
    from kumoi.services.appsync.execution.bound import Bound

MAX_RESOLVERS = 10_000
LARGE = 16 * 1024
"""Bytes of variables from which on they are read on a thread."""
_MISSING = re.compile(
    r"Variable '\$(\w+)' has invalid value.*?non-null type '([^']+)' (?:to be provided|not to be None)\."
)
_NONE = VariableValues({}, {})
Answer = dict[str, Any]


async def run(asked: Asked, bound: Bound, kept: Kept, document: Document, operation: Operation) -> Answer:
    """What a request comes to: `data`, and `errors` where there are some."""
    found = bound.schema
    variables = _NONE
    if operation.node.variable_definitions:
        read = await coerced(found, operation, asked.variables)
        if isinstance(read, list):
            return {"data": None, "errors": read}
        variables = read
    flags = flags_of(operation, variables) if operation.conditions else {}
    made = await bound.program(document, operation, flags, asked.caller)
    execution = Execution(_resolving(asked, kept.templates, variables), _most)
    try:
        with kept.time_limit.bound():
            data = await execution.run(made, None)
            if made.introspection is not None and data is not None:
                data = await asyncio.to_thread(_described, made, found.schema, asked.variables, data)
    except TimeoutError:
        return {"data": None, "errors": [shown("Execution timed out.", None, "ExecutionTimeout")]}
    if asked.appended:
        execution.errors += map(_appended, asked.appended)
    answer = _answer(data, execution.errors)
    if asked.evicted:
        answer["extensions"] = {"apiCacheEntriesDeleted": asked.evicted}
    return answer


async def select(
    found: Compiled, document: Document, operation: Operation, given: Mapping[str, Any], root: Any
) -> Answer:
    """What a selection set asks for of a value that is there: no resolver runs, and everybody may."""
    variables = await coerced(found, operation, given)
    if isinstance(variables, list):
        return {"data": None, "errors": variables}
    made = program(found.schema, operation.node, document.fragments, flags_of(operation, variables), Rules())
    execution = Execution(_nobody, lambda _pending: 1)
    return _answer(await execution.run(made, root), execution.errors)


def _answer(data: Any, errors: list[Shown]) -> Answer:
    return {"data": data, "errors": errors} if errors else {"data": data}


def _appended(appended: tuple[Field, FieldError]) -> Shown:
    field, error = appended
    assert isinstance(field.chosen, FieldPlan)
    return field.chosen.error(error, field.path)


def _most(pending: Pending) -> int:
    """How many of a field and its siblings are resolved together."""
    resolver = pending.field.resolver
    return resolver.most if isinstance(resolver, Plan) else 1


def _nobody(_pending: Pending, _siblings: Siblings | None) -> Awaitable[Any]:
    raise AssertionError("a plan without resolvers leaves nothing open")


def _resolving(asked: Asked, kept: Templates, variables: VariableValues) -> Resolve:
    limit = asked.api.properties.get("resolverCountLimit") or MAX_RESOLVERS

    async def one(pending: Pending, siblings: Siblings | None) -> Any:
        plan = pending.field
        try:
            if plan.asks:
                await permitted(asked, plan.parent, plan.name)
            resolver = plan.resolver
            if resolver is None:
                return pending.source.get(plan.name) if isinstance(pending.source, dict) else None
            asked.resolved += 1
            if asked.resolved > limit:
                raise FieldError(f"Resolver invocation limit of {limit} is exceeded.", "ResolverExecutionLimitReached")
            if isinstance(resolver, FieldError):
                raise FieldError(resolver.message, resolver.kind)
            arguments = plan.arguments(variables)
            field = Field(asked, plan.parent, plan.name, arguments, pending.source, plan, pending.path, siblings)
            if asked.cache is None:
                return await resolve(kept, field, resolver)
            return await resolved(field, resolver.resolver.properties, lambda: resolve(kept, field, resolver))
        finally:
            if siblings is not None:
                siblings.left()

    return one


async def coerced(found: Compiled, operation: Operation, given: Mapping[str, Any]) -> VariableValues | list[Shown]:
    """The variables of an operation, or the errors in what was given for them."""
    definitions = operation.node.variable_definitions
    if not definitions:
        return _NONE
    made = (
        await asyncio.to_thread(get_variable_values, found.schema, definitions, dict(given), 50, True)
        if _large(given)
        else get_variable_values(found.schema, definitions, dict(given), 50, True)
    )
    return made if isinstance(made, VariableValues) else [_of_variable(error) for error in made]


def _large(given: Mapping[str, Any]) -> bool:
    return bool(given) and len(orjson.dumps(given)) > LARGE


def _of_variable(error: GraphQLError) -> Shown:
    if match := _MISSING.search(error.message):
        text = f"Variable '{match[1]}' has coerced Null value for NonNull type '{match[2]}'"
    else:
        text = error.message.replace("Variable '$", "Variable '", 1)
    return of_document(error, text) | {"data": None, "errorType": None, "errorInfo": None}


def flags_of(operation: Operation, variables: VariableValues) -> dict[str, bool]:
    """The outcomes of conditions; a variable without a value counts as false."""
    return {name: variables.coerced.get(name) is True for name in operation.conditions}


def _described(made: Program, schema: Any, given: Mapping[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """The data with what is asked of the schema itself, by the library for GraphQL."""
    assert made.introspection is not None
    result = execute_sync(schema, made.introspection, variable_values=dict(given))
    whole = data | (result.data or {})
    return {key: whole[key] for key in made.keys if key in whole}
