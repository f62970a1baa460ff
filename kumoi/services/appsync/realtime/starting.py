"""From a `start` message to a subscription: who asks, what they select, and which results they want.

The resolver of the subscription's field, if there is one, runs once, now: its error refuses the subscription, and it
may set filters. Its value goes nowhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import orjson
from graphql import FieldNode, GraphQLError, get_argument_values

from kumoi.doorway import Call
from kumoi.services.appsync.access import Refused, allowed, authenticate, permitted
from kumoi.services.appsync.execution.documents import Document
from kumoi.services.appsync.execution.running import coerced, flags_of
from kumoi.services.appsync.execution.selections import Selections
from kumoi.services.appsync.execution.selections import text as selections_text
from kumoi.services.appsync.kept import Kept
from kumoi.services.appsync.lookup import find_version
from kumoi.services.appsync.realtime import messages
from kumoi.services.appsync.realtime.filters import Filter, of_arguments
from kumoi.services.appsync.realtime.handshake import lowered
from kumoi.services.appsync.realtime.hub import Hub
from kumoi.services.appsync.realtime.projection import Projection
from kumoi.services.appsync.realtime.session import Session
from kumoi.services.appsync.realtime.signed import signable, signer
from kumoi.services.appsync.resolving.field import Asked, Field, Selection
from kumoi.services.appsync.resolving.outcomes import FieldError
from kumoi.services.appsync.resolving.resolver import Plan, resolve
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
    kept = call.part(Kept)
    bound = await kept.bound(call.state, session.api, await find_version(call.state, session.api))
    if bound is None or bound.compiled is None:
        raise refused("GraphQLSchemaException", "No schema definition exists.")
    api, found = bound.api, bound.compiled
    call.caller = await signer(call, headers, signable("/graphql", api.id), text)
    try:
        caller = await authenticate(call, bound.admission, given, headers)
    except Refused as refusal:
        raise refused("UnauthorizedException", str(refusal)) from None
    asked = Asked(call, api, caller, headers, given.get("variables") or {}, cache=bound.cache)
    read = await bound.document(given["query"])
    if read.errors:
        raise CannotStart(*read.errors)
    chosen = await _chosen(found, read, given.get("operationName"), asked.variables)
    name = chosen.node.name.value
    if not allowed(found, api.properties, caller, "Subscription", name):
        raise refused("Unauthorized", f"Not Authorized to access {name} on type Subscription")
    try:
        if caller.mode == "AWS_IAM":
            await permitted(asked, "Subscription", name)
        await _resolve(asked, chosen, bound.resolvers.get(("Subscription", name)))
    except FieldError as error:
        raise CannotStart(messages.error_entry(error.kind, error.message)) from None
    call.part(Hub).end_by(session, caller.expires)
    return name, _wants(asked, found, chosen, given)


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
    if messages.nests_too_deep(given):
        raise refused("BadRequestException", "The variables nest too deep.")
    return given, lowered(authorization), text


class _Chosen(NamedTuple):
    """The one field of a subscription, as the variables have it."""

    node: FieldNode
    selections: Selections
    arguments: dict[str, Any]


async def _chosen(found: Compiled, read: Document, name: str | None, variables: Mapping[str, Any]) -> _Chosen:
    matching = [one for one in read.operations if not name or one.name == name]
    if len(matching) != 1:
        raise refused(
            "BadRequestException", f"Unknown operation named '{name}'." if name else "Missing operation name."
        )
    (operation,) = matching
    if not operation.subscribes:
        kind = operation.node.operation.value
        raise refused("UnsupportedOperation", f"{kind} not supported through the realtime channel")
    values = await coerced(found, operation, variables)
    if isinstance(values, list):
        raise CannotStart(*values)
    selections = Selections(found.schema, read.fragments, flags_of(operation, values))
    fields = selections.grouped([operation.node.selection_set], found.schema.subscription_type)
    if not fields:
        raise refused("BadRequestException", "The subscription selects nothing.")
    node, *_ = next(iter(fields.values()))
    root = found.schema.subscription_type
    assert root is not None, "a valid subscription has a root type"
    try:
        arguments = get_argument_values(root.fields[node.name.value], node, values)
    except GraphQLError as error:
        raise refused(None, error.message) from None
    return _Chosen(node, selections, arguments)


async def _resolve(asked: Asked, chosen: _Chosen, plan: Plan | FieldError | None) -> None:
    """Run the field's resolver, if it has one; raises FieldError."""
    if plan is None:
        return
    if isinstance(plan, FieldError):
        raise FieldError(plan.message, plan.kind)
    nodes = [chosen.node]
    selection = Selection(chosen.selections.paths(nodes), selections_text(nodes))
    field = Field(asked, "Subscription", chosen.node.name.value, chosen.arguments, None, selection)
    await resolve(asked.call.part(Kept).templates, field, plan)
    for _, error in asked.appended:
        raise error


def _wants(asked: Asked, found: Compiled, chosen: _Chosen, given: Mapping[str, Any]) -> Wants:
    caller, properties = asked.caller, asked.api.properties
    filter = asked.filters.get("setSubscriptionFilter") or of_arguments(chosen.arguments)
    invalidation = asked.filters.get("setSubscriptionInvalidationFilter")
    variables = orjson.dumps(asked.variables, option=orjson.OPT_SORT_KEYS).decode()
    who = (caller.mode, caller.groups, sorted(caller.denied))
    text = (given["query"], given.get("operationName"), variables)
    shared = asked.call.part(Hub).shared
    # What fields are open depends on how the API is configured as well. A digest: queries are long, and there are many.
    said = repr((properties, text, who, filter, invalidation))
    key = (asked.api.id, found, hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest())
    wants: Wants | None = shared.get(key)
    if wants is None:
        # Fields are opened by who asks and by how the API is configured: neither changes while a subscription lasts.
        open_to = partial(allowed, found, properties, caller)
        projection = Projection(found.schema, chosen.selections, open_to)
        wants = shared[key] = Wants(chosen.node, projection, filter, invalidation)
    return wants
