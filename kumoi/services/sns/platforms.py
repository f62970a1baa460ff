"""Platform applications and their endpoints, found by their ARNs."""

from __future__ import annotations

from kumoi.doorway import Call
from kumoi.names import Arn
from kumoi.services.sns.naming import invalid, parse_arn
from kumoi.services.sns.records import Application, PlatformEndpoint, applications, platform_endpoints
from kumoi.state import State, Transaction, transactional
from kumoi.wire.errors import aws_error

PLATFORMS = ("ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM", "MACOS", "MPNS", "WNS")


def application_arn(text: str, parameter: str = "PlatformApplicationArn") -> tuple[Arn, str, str]:
    """(ARN, platform, name) of a platform application."""
    arn = parse_arn(text, parameter)
    parts = arn.resource.split("/")
    if len(parts) != 3 or parts[0] != "app":
        raise invalid(f"{parameter} Reason: Wrong number of slashes in relative portion of the ARN.")
    return arn, parts[1], parts[2]


def endpoint_arn(text: str, parameter: str = "EndpointArn") -> tuple[Arn, str, str, str]:
    """(ARN, platform, application, id) of an endpoint."""
    arn = parse_arn(text, parameter)
    parts = arn.resource.split("/")
    if len(parts) != 4 or parts[0] != "endpoint":
        raise invalid(f"{parameter} Reason: Wrong number of slashes in relative portion of the ARN.")
    return arn, parts[1], parts[2], parts[3]


def place_of(call: Call, arn: Arn) -> State:
    """Where what an ARN names is stored."""
    return call.doorway.state.at(arn.account, arn.region)


async def find_endpoint(call: Call, text: str, parameter: str) -> PlatformEndpoint:
    """The endpoint to publish to."""
    arn, *key = endpoint_arn(text, parameter)
    found = await get_endpoint(place_of(call, arn), *key)
    if found is None:
        raise invalid(f"{parameter} Reason: No endpoint found for the target arn specified")
    return found


@transactional
async def get_endpoint(tx: Transaction, platform: str, application: str, identifier: str) -> PlatformEndpoint | None:
    """The endpoint of that key, or None."""
    return await platform_endpoints.get(tx, platform, application, identifier)


@transactional
async def get_application(tx: Transaction, platform: str, name: str) -> Application:
    """The platform application of that name."""
    found = await applications.get(tx, platform, name)
    if found is None:
        raise aws_error("NotFoundException", "PlatformApplication does not exist")
    return found
