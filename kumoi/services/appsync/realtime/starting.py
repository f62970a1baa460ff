"""From a `start` message to a subscription: who asks, what they select, and which results they want.

The resolver of the subscription's field, if there is one, runs once, now: its error refuses the subscription, and it
may set filters. Its value goes nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import orjson
from graphql import FieldNode, FragmentDefinitionNode, OperationType
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from kumoi.doorway import Call
from kumoi.services.appsync.access import Refused, allowed, authenticate, permitted
from kumoi.services.appsync.execution import selections
from kumoi.services.appsync.execution.documents import Document, document
from kumoi.services.appsync.execution.running import operations
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.plane import plans_of, read_api
from kumoi.services.appsync.realtime import messages
from kumoi.services.appsync.realtime.filters import Filter, of_arguments
from kumoi.services.appsync.realtime.handshake import lowered
from kumoi.services.appsync.realtime.hub import Hub
from kumoi.services.appsync.realtime.projection import Projection
from kumoi.services.appsync.realtime.session import Session
from kumoi.services.appsync.realtime.signed import signer
from kumoi.services.appsync.records import Api
from kumoi.services.appsync.resolving.field import Asked, Field
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.resolver import resolve
from kumoi.services.appsync.schema.compiled import Compiled


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Wants:
    """What a subscription gets, of which results, and what ends it; shared by those who want the same."""

    field: FieldNode
    projection: Projection
    filter: Filter
    invalidation: Filter | None


class CannotStart(Exception):
    """The subscription is refused; `errors` are what the client gets."""

    def __init__(self, *errors: Mapping[str, Any]) -> None:
        super().__init__(str(errors))
        self.errors = errors


def refused(kind: str | None, message: str) -> CannotStart:
    """A refusal with one error."""
    return CannotStart(messages.error_entry(kind, message))


async def begin(call: Call, session: Session, payload: Any) -> tuple[str, Wants]:
    """The field that feeds the subscription, and what it wants; raises CannotStart."""
    given, headers, text = _read(payload)
    api, schema = await read_api(call.state, session.api)
    if api is None or schema is None or not schema.definition:
        raise refused("GraphQLSchemaException", "No schema definition exists.")
    paths = ("/graphql", f"/graphql/{api.id}", f"/_kumoi/appsync-api/{api.id}/graphql")
    call.caller = await signer(call, headers, paths, text)
    try:
        caller = await authenticate(call, api, given, headers)
    except Refused as refusal:
        raise refused("UnauthorizedException", str(refusal)) from None
    variables = given.get("variables") or {}
    asked = Asked(call, api, caller, headers, variables)
    found = call.part(Kept).schemas.of(schema.version, schema.definition)
    read = await document(found, given["query"], api.properties.get("introspectionConfig") != "DISABLED")
    if read.errors:
        raise CannotStart(*read.errors)
    node, coerced = _operation(found, read, given.get("operationName"), variables)
    root = found.schema.subscription_type
    assert root is not None, "a valid subscription has a root type"
    name = node.name.value
    if not allowed(found, asked, "Subscription", name):
        raise refused("Unauthorized", f"Not Authorized to access {name} on type Subscription")
    try:
        arguments = get_argument_values(root.fields[name], node, coerced)
        if caller.mode == "AWS_IAM":
            await permitted(asked, "Subscription", name)
        await _resolve(asked, found, read, node, arguments)
    except FieldError as error:
        raise CannotStart(messages.error_entry(error.kind, error.message)) from None
    return name, _wants(asked, found, read, node, coerced, given, schema.version, arguments)


def _read(payload: Any) -> tuple[dict[str, Any], dict[str, str], str]:
    """What is asked, the headers that authorize it, and the text that they may have signed."""
    payload = payload if isinstance(payload, dict) else {}
    extensions = payload.get("extensions")
    authorization = extensions.get("authorization") if isinstance(extensions, dict) else None
    text = payload.get("data")
    if not isinstance(authorization, dict) or not isinstance(text, str):
        raise refused("UnsupportedOperation", "unknown not supported through the realtime channel")
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        given = None
    if (
        not isinstance(given, dict)
        or not isinstance(given.get("query"), str)
        or not isinstance(given.get("variables") or {}, dict)
        or not isinstance(given.get("operationName") or "", str)
    ):
        raise refused("BadRequestException", "Unable to parse GraphQL query.")
    return given, lowered(authorization), text


def _operation(
    found: Compiled, read: Document, name: str | None, variables: dict[str, Any]
) -> tuple[FieldNode, VariableValues]:
    """The one field of a subscription, and the variables that it is given."""
    chosen = [one for one in operations(read) if not name or (one.name is not None and one.name.value == name)]
    if len(chosen) != 1:
        text = f"Unknown operation named '{name}'." if name else "Missing operation name."
        raise refused("BadRequestException", text)
    (operation,) = chosen
    if operation.operation is not OperationType.SUBSCRIPTION:
        kind = operation.operation.value
        raise refused("UnsupportedOperation", f"{kind} not supported through the realtime channel")
    coerced = get_variable_values(found.schema, operation.variable_definitions or (), variables)
    if isinstance(coerced, list):
        raise CannotStart(*(messages.error_entry(None, error.message) for error in coerced))
    info = SimpleNamespace(fragments=_fragments(read))
    fields = list(selections.fields(info, [operation.selection_set]))  # type: ignore[arg-type]
    return fields[0], coerced


def _fragments(read: Document) -> dict[str, FragmentDefinitionNode]:
    assert read.node is not None, "a document without errors was parsed"
    return {node.name.value: node for node in read.node.definitions if isinstance(node, FragmentDefinitionNode)}


async def _resolve(asked: Asked, found: Compiled, read: Document, node: FieldNode, arguments: dict[str, Any]) -> None:
    """Run the field's resolver; raises FieldError."""
    name = node.name.value
    plan = (await plans_of(asked.call.state, asked.api.id, [("Subscription", name)])).get(("Subscription", name))
    if plan is None:
        return
    if isinstance(plan, FieldError):
        raise plan
    info: Any = SimpleNamespace(fragments=_fragments(read))
    field = Field(
        asked,
        "Subscription",
        name,
        arguments,
        None,
        [(node.alias or node.name).value],
        selections.paths(info, [node.selection_set]),
        selections.text([node]),
    )
    await resolve(asked.call.part(Kept).templates, field, plan)
    for _, error in asked.appended:
        raise error


def _wants(
    asked: Asked,
    found: Compiled,
    read: Document,
    node: FieldNode,
    coerced: VariableValues,
    given: Mapping[str, Any],
    version: str,
    arguments: Mapping[str, Any],
) -> Wants:
    caller, properties = asked.caller, asked.api.properties
    filter = asked.filters.get("setSubscriptionFilter") or of_arguments(arguments)
    invalidation = asked.filters.get("setSubscriptionInvalidationFilter")
    variables = orjson.dumps(given.get("variables") or {}, option=orjson.OPT_SORT_KEYS).decode()
    who = (caller.mode, caller.groups, caller.denied, properties["authenticationType"])
    key = (version, given["query"], given.get("operationName"), variables, who, repr(filter), repr(invalidation))
    shared = asked.call.part(Hub).shared
    wants: Wants | None = shared.get(key)
    if wants is None:
        # Fields are opened by who asks and by how the API is configured: neither changes while a subscription lasts.
        seer = Asked(asked.call, Api(id=asked.api.id, created=0.0, properties=properties), caller, {}, {})
        projection = Projection(found.schema, _fragments(read), coerced, partial(allowed, found, seer))
        wants = shared[key] = Wants(node, projection, filter, invalidation)
    return wants
