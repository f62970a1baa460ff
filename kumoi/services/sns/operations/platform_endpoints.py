"""Platform endpoints: apps on devices, by the token that their platform knows them by."""

from __future__ import annotations

from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.names import arn, uuid
from kumoi.services.sns import sns
from kumoi.services.sns.naming import invalid, page
from kumoi.services.sns.platforms import application_arn, endpoint_arn, get_application, get_endpoint, place_of
from kumoi.services.sns.records import PlatformEndpoint, platform_endpoints
from kumoi.state import Transaction, transactional
from kumoi.wire.errors import aws_error

_KNOWN = frozenset(("CustomUserData", "Enabled", "Token", "ChannelId", "UserId"))


def _check(attributes: dict[str, str]) -> None:
    unknown = attributes.keys() - _KNOWN
    if unknown:
        raise invalid(f"Attributes Reason: Invalid attribute name: {min(unknown)}")
    if attributes.get("Enabled", "true").lower() not in ("true", "false"):
        raise invalid("Attributes Reason: Invalid value for attribute: Enabled: must be true or false")


@sns.operation
async def create_platform_endpoint(
    call: Call,
    PlatformApplicationArn: str,
    Token: str,
    CustomUserData: str | None = None,
    Attributes: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Register a device's token, or answer the endpoint that is the same in every attribute."""
    place, platform, name = application_arn(PlatformApplicationArn)
    given = dict(Attributes or {})
    if CustomUserData is not None:
        given["CustomUserData"] = CustomUserData
    _check(given)
    identifier = uuid()
    fresh = PlatformEndpoint(
        platform=platform,
        application=name,
        id=identifier,
        arn=arn("sns", place.region, place.account, f"endpoint/{platform}/{name}/{identifier}"),
        attributes={"Enabled": "true", **given, "Token": Token},
    )
    return {"EndpointArn": await _create(place_of(call, place), fresh)}


@transactional
async def _create(tx: Transaction, fresh: PlatformEndpoint) -> str:
    await get_application(tx, fresh.platform, fresh.application)
    for known in await platform_endpoints.list(tx, fresh.platform, fresh.application):
        if known.attributes["Token"] == fresh.attributes["Token"]:
            if known.attributes != fresh.attributes:
                raise invalid(
                    f"Token Reason: Endpoint {known.arn} already exists with the same Token, but different attributes."
                )
            return known.arn
    await platform_endpoints.put(tx, fresh)
    return fresh.arn


@sns.operation
async def delete_endpoint(call: Call, EndpointArn: str) -> None:
    """Delete an endpoint; nothing happens when there is none."""
    place, *key = endpoint_arn(EndpointArn)
    await _delete(place_of(call, place), *key)


@transactional
async def _delete(tx: Transaction, platform: str, application: str, identifier: str) -> None:
    await platform_endpoints.delete(tx, platform, application, identifier)


@sns.operation
async def get_endpoint_attributes(call: Call, EndpointArn: str) -> dict[str, Any]:
    """The attributes of an endpoint."""
    place, *key = endpoint_arn(EndpointArn)
    return {"Attributes": (await _find(place_of(call, place), *key)).attributes}


@sns.operation
async def set_endpoint_attributes(call: Call, EndpointArn: str, Attributes: dict[str, str]) -> None:
    """Change attributes of an endpoint."""
    place, *key = endpoint_arn(EndpointArn)
    _check(Attributes)
    await _change(place_of(call, place), key, Attributes)


@sns.operation
async def list_endpoints_by_platform_application(
    call: Call, PlatformApplicationArn: str, NextToken: str | None = None
) -> dict[str, Any]:
    """The endpoints of a platform application, a hundred at a time."""
    place, platform, name = application_arn(PlatformApplicationArn)
    found, more = page("NextToken", await _all(place_of(call, place), platform, name), lambda one: one.arn, NextToken)
    return {"Endpoints": [{"EndpointArn": one.arn, "Attributes": one.attributes} for one in found], **more}


@transactional
async def _all(tx: Transaction, platform: str, name: str) -> list[PlatformEndpoint]:
    await get_application(tx, platform, name)
    return await platform_endpoints.list(tx, platform, name)


@transactional
async def _find(tx: Transaction, platform: str, application: str, identifier: str) -> PlatformEndpoint:
    found = await get_endpoint(tx, platform, application, identifier)
    if found is None:
        raise aws_error("NotFoundException", "Endpoint does not exist")
    return found


@transactional
async def _change(tx: Transaction, key: list[str], given: dict[str, str]) -> None:
    found = await _find(tx, *key)
    await platform_endpoints.put(tx, msgspec.structs.replace(found, attributes={**found.attributes, **given}))
