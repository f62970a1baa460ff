"""Platform applications: kept and answered. What is published to their devices goes to Kumoi's outbox, to no phone."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from kumoi.doorway import Call
from kumoi.services.sns import sns
from kumoi.services.sns.naming import invalid, page
from kumoi.services.sns.platforms import PLATFORMS, application_arn, get_application, place_of
from kumoi.services.sns.records import Application, applications, platform_endpoints
from kumoi.state import Transaction, transactional

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_SECRET = ("PlatformCredential", "PlatformPrincipal")
_KNOWN = frozenset(
    (
        *_SECRET,
        *("EventEndpointCreated", "EventEndpointDeleted", "EventEndpointUpdated", "EventDeliveryFailure"),
        *("SuccessFeedbackRoleArn", "FailureFeedbackRoleArn", "SuccessFeedbackSampleRate", "Enabled"),
        *("ApplePlatformTeamID", "ApplePlatformBundleID", "AuthenticationMethod"),
    )
)


def _check(attributes: dict[str, str]) -> None:
    unknown = attributes.keys() - _KNOWN
    if unknown:
        raise invalid(f"Attributes Reason: Invalid attribute name: {min(unknown)}")


def _told(application: Application) -> dict[str, Any]:
    shown = {name: value for name, value in application.attributes.items() if name not in _SECRET}
    return {"PlatformApplicationArn": application.arn, "Attributes": {"Enabled": "true", **shown}}


@sns.operation
async def create_platform_application(
    call: Call, Name: str, Platform: str, Attributes: dict[str, str]
) -> dict[str, Any]:
    """Create a platform application, or answer the one of that name."""
    if Platform not in PLATFORMS:
        raise invalid(f"Platform Reason: {Platform} is not supported")
    if not _NAME.fullmatch(Name):
        raise invalid(f"{Name} Reason: must contain only characters 'a'-'z', 'A'-'Z', '0'-'9', '_', '-', and '.'")
    _check(Attributes)
    for name in ("PlatformCredential",) if Platform == "GCM" else _SECRET:
        if not Attributes.get(name):
            raise invalid(
                f"Attributes Reason: {name} attribute is required to create platform application of type {Platform}"
            )
    arn = call.arn("sns", f"app/{Platform}/{Name}")
    await _create(call.state, Application(platform=Platform, name=Name, arn=arn, attributes=Attributes))
    return {"PlatformApplicationArn": arn}


@transactional
async def _create(tx: Transaction, fresh: Application) -> None:
    found = await applications.get(tx, fresh.platform, fresh.name)
    if found is not None and found.attributes != fresh.attributes:
        raise invalid("Attributes Reason: Platform application already exists with different attributes")
    await applications.put(tx, fresh)


@sns.operation
async def delete_platform_application(call: Call, PlatformApplicationArn: str) -> None:
    """Delete a platform application with its endpoints; nothing happens when there is none."""
    arn, platform, name = application_arn(PlatformApplicationArn)
    await _delete(place_of(call, arn), platform, name)


@transactional
async def _delete(tx: Transaction, platform: str, name: str) -> None:
    await applications.delete(tx, platform, name)
    await platform_endpoints.delete_all(tx, platform, name)


@sns.operation
async def get_platform_application_attributes(call: Call, PlatformApplicationArn: str) -> dict[str, Any]:
    """The attributes of a platform application, without its credentials."""
    arn, platform, name = application_arn(PlatformApplicationArn)
    return {"Attributes": _told(await get_application(place_of(call, arn), platform, name))["Attributes"]}


@sns.operation
async def set_platform_application_attributes(
    call: Call, PlatformApplicationArn: str, Attributes: dict[str, str]
) -> None:
    """Change attributes of a platform application."""
    arn, platform, name = application_arn(PlatformApplicationArn)
    _check(Attributes)
    await _change(place_of(call, arn), platform, name, Attributes)


@transactional
async def _change(tx: Transaction, platform: str, name: str, given: dict[str, str]) -> None:
    found = await get_application(tx, platform, name)
    await applications.put(tx, msgspec.structs.replace(found, attributes={**found.attributes, **given}))


@sns.operation
async def list_platform_applications(call: Call, NextToken: str | None = None) -> dict[str, Any]:
    """Platform applications, a hundred at a time."""
    found, more = page("NextToken", await _all(call.state), lambda one: one.arn, NextToken)
    return {"PlatformApplications": [_told(one) for one in found], **more}


@transactional
async def _all(tx: Transaction) -> list[Application]:
    return await applications.list(tx)
