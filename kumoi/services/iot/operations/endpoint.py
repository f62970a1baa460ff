"""DescribeEndpoint: where devices connect."""

from __future__ import annotations

from typing import Any

from kumoi.doorway import Call
from kumoi.services.iot import iot
from kumoi.services.iot.naming import invalid

KINDS = ("iot:Data", "iot:Data-ATS", "iot:CredentialProvider", "iot:Jobs")


@iot.operation
async def describe_endpoint(call: Call, endpointType: str = "iot:Data") -> dict[str, Any]:
    """The host and port of the platform: all kinds of endpoints are one here."""
    if endpointType not in KINDS:
        raise invalid(f"Endpoint type {endpointType} is not one of {', '.join(KINDS)}.")
    return {"endpointAddress": call.doorway.endpoint.partition("://")[2]}
