"""Whose a thing is: certificates and Cognito identities that speak for it."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.iot import iot
from kumoi.services.iot.naming import page
from kumoi.services.iot.operations.policy_attachments import check_principal
from kumoi.services.iot.operations.things import find_thing
from kumoi.services.iot.records import ThingPrincipal, principal_things, thing_principals
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

EXCLUSIVE, SHARED = "EXCLUSIVE_THING", "NON_EXCLUSIVE_THING"


@iot.operation
async def attach_thing_principal(
    call: Call, thingName: str, principal: str, thingPrincipalType: str = SHARED
) -> dict[str, Any]:
    """Let a principal speak for a thing, for that alone where the type is EXCLUSIVE_THING."""
    await _attach(call.state, ThingPrincipal(thingName, principal, thingPrincipalType))
    return {}


@iot.operation
async def detach_thing_principal(call: Call, thingName: str, principal: str) -> dict[str, Any]:
    """Let a principal no longer speak for a thing."""
    await _detach(call.state, thingName, principal)
    return {}


@iot.operation
async def list_thing_principals(
    call: Call, thingName: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The principals of a thing."""
    listed = await _of_thing(call.state, thingName)
    found, more = page(listed, lambda one: one.principal, nextToken, maxResults)
    return {"principals": [one.principal for one in found], **more}


@iot.operation(name="ListThingPrincipalsV2")
async def list_thing_principals_v2(
    call: Call,
    thingName: str,
    nextToken: str | None = None,
    maxResults: int | None = None,
    thingPrincipalType: str | None = None,
) -> dict[str, Any]:
    """The principals of a thing, each with its type."""
    listed = [one for one in await _of_thing(call.state, thingName) if thingPrincipalType in (None, one.kind)]
    found, more = page(listed, lambda one: one.principal, nextToken, maxResults)
    shown = [{"principal": one.principal, "thingPrincipalType": one.kind} for one in found]
    return {"thingPrincipalObjects": shown, **more}


@iot.operation
async def list_principal_things(
    call: Call, principal: str, nextToken: str | None = None, maxResults: int | None = None
) -> dict[str, Any]:
    """The things of a principal."""
    listed = await _of_principal(call.state, principal)
    found, more = page(listed, lambda one: one.thing, nextToken, maxResults)
    return {"things": [one.thing for one in found], **more}


@iot.operation(name="ListPrincipalThingsV2")
async def list_principal_things_v2(
    call: Call,
    principal: str,
    nextToken: str | None = None,
    maxResults: int | None = None,
    thingPrincipalType: str | None = None,
) -> dict[str, Any]:
    """The things of a principal, each with its type."""
    listed = [one for one in await _of_principal(call.state, principal) if thingPrincipalType in (None, one.kind)]
    found, more = page(listed, lambda one: one.thing, nextToken, maxResults)
    shown = [{"thingName": one.thing, "thingPrincipalType": one.kind} for one in found]
    return {"principalThingObjects": shown, **more}


@transactional
async def _attach(tx: Transaction, attached: ThingPrincipal) -> None:
    await find_thing(tx, attached.thing)
    await check_principal(tx, attached.principal)
    others = [one for one in await principal_things.list(tx, attached.principal) if one.thing != attached.thing]
    if others and (attached.kind == EXCLUSIVE or any(one.kind == EXCLUSIVE for one in others)):
        raise aws_error(
            "InvalidRequestException",
            f"The principal is attached to {others[0].thing}: it cannot be attached to another thing where one of the "
            "attachments is exclusive.",
        )
    await thing_principals.put(tx, attached)
    await principal_things.put(tx, attached)


@transactional
async def _detach(tx: Transaction, thing: str, principal: str) -> None:
    await find_thing(tx, thing)
    await check_principal(tx, principal)
    await thing_principals.delete(tx, thing, principal)
    await principal_things.delete(tx, principal, thing)


@transactional
async def _of_thing(tx: Transaction, thing: str) -> list[ThingPrincipal]:
    await find_thing(tx, thing)
    return await thing_principals.list(tx, thing)


@transactional
async def _of_principal(tx: Transaction, principal: str) -> list[ThingPrincipal]:
    await check_principal(tx, principal)
    return await principal_things.list(tx, principal)
